import type { Belongings } from "../contract/belongings.ts";
import type { ContainerFacts, DestinationView, HostFacts, Verdict } from "../contract/facts.ts";
import { fail, ok, warn } from "./verdict.ts";

/** Whether what belongs to a container, and is not in it, can be had on the destination: its volumes and bind mounts. */
export function belongingChecks(
  container: ContainerFacts,
  facts: HostFacts,
  view: DestinationView,
  choices: Belongings,
): Verdict[] {
  return [
    ...copiedBinds(view.binds.filter(({ copied }) => copied)),
    ...sharedBinds(
      view.binds.filter(({ copied }) => !copied),
      facts.name,
    ),
    ...volumes(container, view),
    ...sharedVolumes(container, choices),
    ...mountedVolumes(container),
  ];
}

type Bind = DestinationView["binds"][number];

function sharedBinds(shared: Bind[], host: string): Verdict[] {
  const missing = shared.filter(({ there }) => !there);
  if (missing.length > 0) {
    return [
      fail(
        "bind-mounts",
        "preflight-failed",
        `paths of bind mounts missing: ${sourcesOf(missing)}`,
        `use --bind copy to take their content along; or copy them there first, for instance with rsync -aR ${missing[0]?.source} ${host}:/`,
      ),
    ];
  }
  if (shared.length === 0) return [];
  return [
    warn(
      "bind-mounts",
      `bind mounts are not copied, what lies there already is used: ${sourcesOf(shared)}`,
      "make sure that their content is the same there (shared storage, or a copy); or use --bind copy, or a volume",
    ),
  ];
}

function copiedBinds(copied: Bind[]): Verdict[] {
  const present = copied.filter(({ there }) => there);
  const [first] = present;
  if (first) {
    return [
      fail(
        "bind-mounts",
        "preflight-failed",
        `paths of bind mounts exist already and would be overwritten: ${sourcesOf(present)}`,
        `use --bind share if their content is the same; or move them away: mv ${first.source} ${first.source}.old`,
      ),
    ];
  }
  return copied.length > 0 ? [ok("bind-mounts", `bind mounts come along: ${sourcesOf(copied)}`)] : [];
}

const sourcesOf = (binds: Bind[]) => binds.map(({ source }) => source).join(", ");

function volumes(container: ContainerFacts, view: DestinationView): Verdict[] {
  if (view.volumesPresent.length > 0) {
    const which = view.volumesPresent.join(", ");
    return [
      fail(
        "volumes",
        "preflight-failed",
        `volumes of the same name exist already and would be overwritten: ${which}`,
        `docker volume rm ${view.volumesPresent.join(" ")} if nothing in them is needed`,
      ),
    ];
  }
  const mounted = new Set(container.volumes.filter(({ options }) => options.device).map(({ name }) => name));
  const coming = container.mounts
    .filter(({ type, name }) => type === "volume" && !mounted.has(name ?? ""))
    .map((mount) => mount.name ?? mount.destination);
  return coming.length > 0 ? [ok("volumes", `volumes come along: ${coming.join(", ")}`)] : [];
}

function sharedVolumes({ volumes: all }: ContainerFacts, choices: Belongings): Verdict[] {
  return all
    .filter(({ users, options }) => users.length > 0 && !options.device)
    .map(({ name, users }) => {
      const used = `the volume ${name} is also used by ${users.join(", ")}`;
      if (choices.sharedVolumes === "refuse") {
        const remedy = "use --shared-volumes copy to take a copy along; from then on the two differ";
        return fail("shared-volumes", "preflight-failed", used, remedy);
      }
      return warn(
        "shared-volumes",
        `${used}: a copy comes along, and from then on the two differ`,
        "move the containers that share it one after the other, while nothing writes",
      );
    });
}

/** A volume that is no folder of Docker's own, but mounts something. */
function mountedVolumes({ volumes: all }: ContainerFacts): Verdict[] {
  return all
    .filter(({ options }) => options.device)
    .map(({ name, options }) => {
      if (options.type === "tmpfs") {
        const what = `the volume ${name} is a tmpfs, which Docker empties when it is not in use`;
        return fail("mounted-volumes", "unsupported-container", what, "use --tmpfs, which travels with the memory");
      }
      return warn(
        "mounted-volumes",
        `the volume ${name} mounts ${options.device}: it is made with the same options, and its content is not copied`,
        "make sure that the same can be mounted there (shared storage)",
      );
    });
}
