import type { ContainerFacts, HostFacts, Verdict } from "../../contract/facts.ts";
import { type DumpPurpose, verdictsFor } from "../check.ts";
import { destinationNeeds, sourceNeeds } from "../host-needs.ts";
import { containerChecks } from "../registry.ts";
import { firstFailure } from "../verdict.ts";

/**
 * Refuses, before anything happens to the container, what the host or the container cannot do.
 * @returns warnings: what a checkpoint cannot be used for
 * @throws criu-missing, unsupported-container, ...
 */
export function refuseDump(host: HostFacts, container: ContainerFacts, purpose: DumpPurpose): Verdict[] {
  const verdicts = verdictsFor(purpose, containerChecks, { container, host });
  const failure = firstFailure([...verdicts, ...sourceNeeds(host)], cannot[purpose](container.name));
  if (failure) throw failure;
  return verdicts.filter(({ level }) => level === "warn");
}

const cannot: Record<DumpPurpose, (name: string) => string> = {
  keep: (name) => `No checkpoint of '${name}' can be taken`,
  stop: (name) => `'${name}' cannot be stopped with a checkpoint`,
  clone: (name) => `'${name}' cannot be cloned`,
  rollback: (name) => `'${name}' cannot be rolled back`,
};

/** Refuses a restore that this host cannot do, before anything is made for it. @throws criu-missing, hook-missing, ... */
export function refuseRestore(host: HostFacts, container: string): void {
  const failure = firstFailure(destinationNeeds(host), `'${container}' cannot be restored on ${host.name}`);
  if (failure) throw failure;
}
