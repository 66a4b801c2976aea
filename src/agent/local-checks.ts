import type { HostFacts } from "../contract/facts.ts";
import { containerName, describe } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/docker/inspect.ts";
import { containerChecks, userCheck } from "../migration/container-obstacles.ts";
import { destinationChecks, sourceChecks } from "../migration/doctor.ts";
import { firstFailure } from "../migration/verdict.ts";

/** What hinders a move only: it leads to containers of the host, and there they are. */
const ofMovesOnly = ["links"];

/** Refuses, before the container is touched, what the host or the container cannot do. @throws criu-missing, unsupported-container, ... */
export function refuseDump(facts: HostFacts, container: ContainerInspect): void {
  const described = describe(container);
  const ofContainer = [...containerChecks(described), ...userCheck(described, facts)].filter(
    ({ check }) => !ofMovesOnly.includes(check),
  );
  const failure = firstFailure(
    [...ofContainer, ...sourceChecks(facts, false)],
    `No checkpoint of '${containerName(container)}' can be taken`,
  );
  if (failure) throw failure;
}

/** Refuses a restore that this host cannot carry out, before anything is made for it. @throws criu-missing, hook-missing, ... */
export function refuseRestore(facts: HostFacts, container: string): void {
  const failure = firstFailure(destinationChecks(facts, false), `'${container}' cannot be restored on ${facts.name}`);
  if (failure) throw failure;
}
