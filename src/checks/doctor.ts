import type { HostFacts, Verdict } from "../contract/facts.ts";
import * as check from "./host-checks.ts";

/** Everything that a host needs, one line each. */
export function doctor(facts: HostFacts): Verdict[] {
  return [
    check.dockerCheck(facts),
    ...check.storageDriverCheck(facts),
    ...check.hookCheck(facts),
    check.runcCheck(facts),
    check.criuCheck(facts),
    ...check.dirtyTrackingCheck(facts),
    ...check.lazyPagesCheck(facts),
    ...check.otherUsersCheck(facts),
    check.pipeCheck(facts),
    check.freezerCheck(facts),
    check.memoryCheck(facts),
    check.diskCheck(facts),
    check.toolsCheck(facts),
  ];
}

/** What a source needs: it dumps and serves. */
export function sourceChecks(facts: HostFacts, postcopy: boolean): Verdict[] {
  return [
    check.dockerCheck(facts),
    ...check.storageDriverCheck(facts),
    check.runcCheck(facts),
    check.criuCheck(facts),
    check.pipeCheck(facts, postcopy),
    check.freezerCheck(facts),
    check.toolsCheck(facts),
  ];
}

/** What a destination needs besides: it restores through the runtime hook, with the memory following where it can. */
export function destinationChecks(facts: HostFacts, postcopy: boolean): Verdict[] {
  return [...sourceChecks(facts, postcopy), ...check.hookCheck(facts), ...check.lazyPagesCheck(facts)];
}
