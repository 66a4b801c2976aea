import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isThere } from "../proc/gone.ts";
import { cgroupFolder, isUnifiedHost } from "./hierarchy.ts";

const hierarchy = "/sys/fs/cgroup";

/**
 * Makes the cgroup of a container before runc does, so that memory can be charged to it. runc takes a cgroup that exists, if no process
 * is in it when runc begins.
 * @param path below the root of the hierarchy
 * @param root of the hierarchy, of version 2
 * @returns its folder; undefined, with nothing made, where the kernel counts no memory for it
 */
export async function makeCgroupAhead(path: string, root = hierarchy): Promise<string | undefined> {
  const names = path.split("/").filter(Boolean);
  const controllers = await readFile(join(root, "cgroup.controllers"), "utf8").catch(() => "");
  if (!controllers.split(/\s+/).includes("memory")) return undefined;
  let folder = root;
  for (const name of names) {
    // As runc does. The slices of systemd are systemd's to change, and it counts memory in them.
    if (!path.endsWith(".scope")) await countMemoryBelow(folder);
    folder = join(folder, name);
    await mkdir(folder, { recursive: true });
  }
  return folder;
}

async function countMemoryBelow(folder: string): Promise<void> {
  const file = join(folder, "cgroup.subtree_control");
  const counted = (await readFile(file, "utf8")).split(/\s+/);
  if (!counted.includes("memory")) await writeFile(file, "+memory");
}

/** The folder of a cgroup by its path; undefined where the kernel counts no memory for it. */
export async function countedCgroup(path: string): Promise<string | undefined> {
  const folder = cgroupFolder(path);
  return isUnifiedHost() && (await isThere(join(folder, "memory.current"))) ? folder : undefined;
}

/** Removes a cgroup that no process is in. Harmless for others, and where there is none. */
export async function removeEmptyCgroup(folder: string): Promise<void> {
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (!["ENOENT", "EBUSY", "ENOTEMPTY"].includes(error.code ?? "")) throw error;
  });
}
