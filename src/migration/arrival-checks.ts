import type { ContainerFacts, DestinationView, HostFacts, Verdict } from "../contract/facts.ts";
import { bytes } from "./units.ts";
import { fail, ok, warn } from "./verdict.ts";

/** Whether the destination has room for the container, and its name, ports, networks and mounts are free or there. */
export function arrivalChecks(container: ContainerFacts, facts: HostFacts, view: DestinationView): Verdict[] {
  return [
    name(container, view),
    memoryRoom(container, facts),
    diskRoom(container, facts, view),
    ...ports(container, view),
    ...networks(container, view),
    ...binds(container, facts, view),
    ...volumes(container, view),
  ];
}

function name(container: ContainerFacts, view: DestinationView): Verdict {
  if (!view.nameTaken) return ok("name", `the name ${container.name} is free`);
  return fail(
    "name",
    "name-taken",
    `a container named ${container.name} exists already`,
    `docker rename ${container.name} ${container.name}-old`,
  );
}

/** What a restore needs beside the pages: CRIU itself, page tables, the small images. */
const restoreOverhead = 64 * 1024 ** 2;

/** The images lie in tmpfs while the restored copy fills up beside them. */
function memoryRoom(container: ContainerFacts, { memory }: HostFacts): Verdict {
  const needed = 2 * container.memoryBytes + restoreOverhead;
  const have = `${bytes(memory.availableBytes)} of memory free`;
  if (memory.availableBytes >= needed) return ok("memory-room", `${have}, ${bytes(needed)} needed on arrival`);
  return fail(
    "memory-room",
    "no-space",
    `${have}, and ${bytes(needed)} are needed on arrival (twice the container's memory)`,
    `free ${bytes(needed - memory.availableBytes)} of memory`,
  );
}

function diskRoom(container: ContainerFacts, { disk }: HostFacts, view: DestinationView): Verdict {
  const needed = container.writableBytes + container.volumeBytes;
  const have = `${bytes(disk.dockerFreeBytes)} of disk free`;
  const image = view.imagePresent ? "" : " and its image, which is sent first";
  if (disk.dockerFreeBytes >= needed) return ok("disk-room", `${have}, ${bytes(needed)} needed for its files${image}`);
  return fail(
    "disk-room",
    "no-space",
    `${have}, and its files need ${bytes(needed)}${image ? ", its image more" : ""}`,
    "docker system prune",
  );
}

function ports(container: ContainerFacts, view: DestinationView): Verdict[] {
  if (view.portsTaken.length > 0) {
    const which = `port${view.portsTaken.length > 1 ? "s" : ""} ${view.portsTaken.join(", ")}`;
    return [
      fail(
        "ports",
        "preflight-failed",
        `published ${which} in use already`,
        `stop what listens there: ss -ltnup 'sport = :${view.portsTaken[0]}'`,
      ),
    ];
  }
  const published = [...new Set(container.ports.map(({ hostPort }) => hostPort))];
  return published.length > 0 ? [ok("ports", `published ports free: ${published.join(", ")}`)] : [];
}

function networks(container: ContainerFacts, view: DestinationView): Verdict[] {
  if (view.networksMissing.length > 0) {
    return [
      fail(
        "networks",
        "preflight-failed",
        `no network named ${view.networksMissing.join(", ")}`,
        `${view.networksMissing.map((network) => `docker network create ${network}`).join("; ")} (with the same driver and subnet)`,
      ),
    ];
  }
  return container.networks.length > 0 ? [ok("networks", `networks there: ${container.networks.join(", ")}`)] : [];
}

function binds(container: ContainerFacts, facts: HostFacts, view: DestinationView): Verdict[] {
  if (view.bindsMissing.length > 0) {
    return [
      fail(
        "bind-mounts",
        "preflight-failed",
        `paths of bind mounts missing: ${view.bindsMissing.join(", ")}`,
        `copy them there first, for instance with rsync -aR ${view.bindsMissing[0]} ${facts.name}:/`,
      ),
    ];
  }
  const there = container.mounts.filter(({ type }) => type === "bind").map(({ source }) => source);
  if (there.length === 0) return [];
  return [
    warn(
      "bind-mounts",
      `bind mounts are not copied, what lies there already is used: ${there.join(", ")}`,
      "make sure that their content is the same there (shared storage, or a copy), or use a volume",
    ),
  ];
}

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
  const coming = container.mounts
    .filter(({ type }) => type === "volume")
    .map((mount) => mount.name ?? mount.destination);
  return coming.length > 0 ? [ok("volumes", `volumes come along: ${coming.join(", ")}`)] : [];
}
