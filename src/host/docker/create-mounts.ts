import type { CreateSource } from "./create-source.ts";

type HostMount = NonNullable<CreateSource["HostConfig"]["Mounts"]>[number];
type ShownMount = NonNullable<CreateSource["Mounts"]>[number];

export interface CreateMounts {
  Binds: string[];
  Mounts: HostMount[];
  VolumesFrom: null;
}

/**
 * Every mount by what it is bound to now. Asked for again as they were written, an anonymous volume would become a new and
 * empty one, and `--volumes-from` would look for a container that need not be there.
 */
export function mountsOf(container: CreateSource, renames: Record<string, string>): CreateMounts {
  const rename = (name: string) => (Object.hasOwn(renames, name) ? (renames[name] ?? name) : name);
  const shown = container.Mounts ?? [];
  const binds = (container.HostConfig.Binds ?? []).map((bind) => renameBind(bind, rename));
  const mounts = (container.HostConfig.Mounts ?? []).map((mount) => named(mount, shown, rename));
  const asked = new Set([...binds.map(targetOf), ...mounts.map(({ Target }) => clean(Target))]);
  return {
    Binds: [
      ...binds,
      ...shown.filter((mount) => !asked.has(clean(mount.Destination))).flatMap((m) => bindOf(m, rename)),
    ],
    Mounts: mounts,
    VolumesFrom: null,
  };
}

/** `NAME:/target[:mode]`; a path as source stays. */
function renameBind(bind: string, rename: (name: string) => string): string {
  const [source = "", ...rest] = bind.split(":");
  return rest.length === 0 || source.startsWith("/") ? bind : [rename(source), ...rest].join(":");
}

function targetOf(bind: string): string {
  const parts = bind.split(":");
  return clean(parts[1] ?? parts[0] ?? "");
}

/** A volume of `--mount` without a source is anonymous: its name stands only among the mounts that are shown. */
function named(mount: HostMount, shown: ShownMount[], rename: (name: string) => string): HostMount {
  if (mount.Type !== "volume") return mount;
  const name = mount.Source || shown.find(({ Destination }) => clean(Destination) === clean(mount.Target))?.Name;
  return name ? { ...mount, Source: rename(name) } : mount;
}

/** Tmpfs mounts stand in HostConfig.Tmpfs and are no binds. */
function bindOf(mount: ShownMount, rename: (name: string) => string): string[] {
  const source = mount.Type === "volume" ? mount.Name && rename(mount.Name) : mount.Type === "bind" && mount.Source;
  if (!source) return [];
  const mode = [...(mount.Mode ? mount.Mode.split(",") : [])].filter((word) => word !== "rw" && word !== "ro");
  if (mount.RW === false) mode.unshift("ro");
  return [[source, mount.Destination, ...(mode.length > 0 ? [mode.join(",")] : [])].join(":")];
}

function clean(path: string): string {
  return path.replace(/\/+/g, "/").replace(/(.)\/$/, "$1");
}
