import type { Belongings } from "../contract/belongings.ts";
import type { ContainerFacts, DestinationView, HostFacts, Verdict } from "../contract/facts.ts";
import { bytes } from "../contract/units.ts";
import { belongingChecks } from "./belonging-checks.ts";
import { networkChecks } from "./network-checks.ts";
import { fail, ok } from "./verdict.ts";

/** Whether the destination has room for the container, and its name, ports, networks and mounts are free or there. */
export function arrivalChecks(
  container: ContainerFacts,
  facts: HostFacts,
  view: DestinationView,
  choices: Belongings,
): Verdict[] {
  return [
    name(container, view),
    memoryRoom(container, facts),
    diskRoom(container, facts, view),
    ...sysctls(view),
    ...appArmor(view),
    ...networkChecks(container, view, choices),
    ...belongingChecks(container, facts, view, choices),
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

function sysctls({ sysctlsMissing }: DestinationView): Verdict[] {
  if (sysctlsMissing.length === 0) return [];
  return [
    fail(
      "sysctls",
      "preflight-failed",
      `the kernel has no setting ${sysctlsMissing.join(", ")}, which the container makes`,
      "load the module that has it, or create the container without this --sysctl",
    ),
  ];
}

/** The profile of Docker's own making, which Docker loads when it starts. */
const dockersProfile = "docker-default";

function appArmor({ appArmorMissing: profile }: DestinationView): Verdict[] {
  if (profile === null) return [];
  const load =
    profile === dockersProfile
      ? "install the package apparmor, and start Docker anew"
      : "load it (apparmor_parser -r FILE)";
  return [
    fail(
      "app-armor",
      "preflight-failed",
      `AppArmor has no profile '${profile}', under which the container's processes run`,
      `${load}, or create the container with --security-opt apparmor=unconfined`,
    ),
  ];
}
