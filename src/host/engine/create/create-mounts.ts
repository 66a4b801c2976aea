import type { CreateSource } from "../../../contract/create-source.ts";

type HostMount = NonNullable<CreateSource["HostConfig"]["Mounts"]>[number];
type ShownMount = NonNullable<CreateSource["Mounts"]>[number];

export interface CreateMounts {
  Binds: string[];
  Mounts: HostMount[];
  VolumesFrom: null;
}

/**
 * Every mount by what it is bound to now: asked for again as it was written, `--volumes-from` would look for a container that
 * need not be there. So also an anonymous volume, which would become a new and empty one; with `anonymousAnew` that is what is
 * wanted, because only such a one is Docker's to remove with the container.
 */
export function mountsOf(
  container: CreateSource,
  renames: Record<string, string>,
  { anonymousAnew = false } = {},
): CreateMounts {
  const rename = (name: string) => (Object.hasOwn(renames, name) ? (renames[name] ?? name) : name);
  const shown = container.Mounts ?? [];
  const anew = anonymousAnew ? anonymousTargets(container) : new Set();
  const binds = (container.HostConfig.Binds ?? []).map((bind) => renameBind(bind, rename));
  const mounts = (container.HostConfig.Mounts ?? []).map((mount) =>
    anew.has(clean(mount.Target)) ? mount : named(mount, shown, rename),
  );
  const asked = new Set([...binds.map(targetOf), ...mounts.map(({ Target }) => clean(Target)), ...anew]);
  return {
    Binds: [
      ...binds,
      ...shown.filter((mount) => !asked.has(clean(mount.Destination))).flatMap((m) => bindOf(m, rename)),
    ],
    Mounts: mounts,
    VolumesFrom: null,
  };
}

/** Where the container has volumes that nobody gave a name: of `-v /path`, of its image, of a mount without a source. */
export function anonymousTargets({ HostConfig, Config, Mounts }: CreateSource): Set<string> {
  const named = new Set((HostConfig.Binds ?? []).map(targetOf));
  const sourceless = (HostConfig.Mounts ?? []).filter(({ Type, Source }) => Type === "volume" && !Source);
  const asked = [...Object.keys(Config.Volumes ?? {}), ...sourceless.map(({ Target }) => Target)].map(clean);
  const mounted = new Set((Mounts ?? []).filter(({ Type }) => Type === "volume").map((m) => clean(m.Destination)));
  const withSource = new Set(
    (HostConfig.Mounts ?? []).filter(({ Source }) => Source).map(({ Target }) => clean(Target)),
  );
  return new Set(asked.filter((target) => mounted.has(target) && !named.has(target) && !withSource.has(target)));
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
