import type { ContainerFacts, HostFacts, Verdict } from "../contract/facts.ts";
import { containerChecks, joinedCheck, restoreCheck, userCheck } from "./container-obstacles.ts";
import { destinationChecks, sourceChecks } from "./doctor.ts";
import { firstFailure, warn } from "./verdict.ts";

/**
 * What a dump is for: a checkpoint that is kept while the container goes on (`keep`) or ends (`stop`), a second container that runs
 * from it at once (`clone`), or the way back of a container that is rolled back (`rollback`).
 */
export type DumpPurpose = "keep" | "stop" | "clone" | "rollback";

/** What hinders a move only: it leads to containers of the host, and there they are. */
const ofMovesOnly = ["links"];
/** What the container's end does to others. */
const ofEndsOnly = (["network", "pid", "ipc"] as const).map(joinedCheck);

/**
 * Refuses, before the container is touched, what the host or the container cannot do.
 * @returns warnings: what a checkpoint that is kept will not be good for
 * @throws criu-missing, unsupported-container, ...
 */
export function refuseDump(facts: HostFacts, container: ContainerFacts, purpose: DumpPurpose): Verdict[] {
  const ends = purpose === "stop" || purpose === "rollback";
  const ignored = ends ? ofMovesOnly : [...ofMovesOnly, ...ofEndsOnly];
  const failed = [...containerChecks(container), ...userCheck(container, facts)].filter(
    ({ check, level }) => level === "fail" && !ignored.includes(check),
  );
  const onRestore = ({ check }: Verdict) => purpose === "keep" && check === restoreCheck;
  const failure = firstFailure(
    [...failed.filter((verdict) => !onRestore(verdict)), ...sourceChecks(facts, false)],
    cannot[purpose](container.name),
  );
  if (failure) throw failure;
  return failed
    .filter(onRestore)
    .map(({ check, message, remedy = "" }) =>
      warn(check, `the checkpoint cannot be restored: '${container.name}' ${message}`, remedy),
    );
}

const cannot: Record<DumpPurpose, (name: string) => string> = {
  keep: (name) => `No checkpoint of '${name}' can be taken`,
  stop: (name) => `'${name}' cannot be stopped with a checkpoint`,
  clone: (name) => `'${name}' cannot be cloned`,
  rollback: (name) => `'${name}' cannot be rolled back`,
};

/** Refuses a restore that this host cannot carry out, before anything is made for it. @throws criu-missing, hook-missing, ... */
export function refuseRestore(facts: HostFacts, container: string): void {
  const failure = firstFailure(destinationChecks(facts, false), `'${container}' cannot be restored on ${facts.name}`);
  if (failure) throw failure;
}
