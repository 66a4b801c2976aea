import { existsSync } from "node:fs";
import { join } from "node:path";

const hierarchies = "/sys/fs/cgroup";

/** Whether this host has its containers in cgroups of version 2. A hierarchy of version 2 beside those of version 1 is not Docker's. */
export const isUnifiedHost = (): boolean => existsSync(join(hierarchies, "cgroup.controllers"));

/** Path of a container's cgroup below the root of its hierarchy, from the bundle's `cgroupsPath`: `system.slice:docker:ID` under the systemd driver. */
export function cgroupPathOf(cgroupsPath: string): string {
  const [slice = "", prefix, name] = cgroupsPath.split(":");
  if (name === undefined) return cgroupsPath;
  // A slice's own name tells its parents: a-b.slice is in a.slice.
  const parts = slice.replace(/\.slice$/, "").split("-");
  const parents = parts.map((_, i) => `${parts.slice(0, i + 1).join("-")}.slice`);
  return `/${[...parents, `${prefix}-${name}.scope`].join("/")}`;
}

/** Folder of a cgroup by that path: of version 2, or of the freezer's hierarchy of version 1. It need not exist. */
export function cgroupFolder(path: string): string {
  return join(hierarchies, isUnifiedHost() ? "" : "freezer", path);
}
