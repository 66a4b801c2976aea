import type { HostFacts, Verdict } from "../contract/facts.ts";
import { verdictsFor } from "./check.ts";
import { hostChecks } from "./registry.ts";

/** What a host needs that dumps. @param memoryFollows whether memory must be able to follow after the resume */
export function sourceNeeds(host: HostFacts, memoryFollows = false): Verdict[] {
  return verdictsFor("either-side", hostChecks, { host, memoryFollows });
}

/** What a host needs that restores. @param memoryFollows whether memory must be able to follow after the resume */
export function destinationNeeds(host: HostFacts, memoryFollows = false): Verdict[] {
  return [...sourceNeeds(host, memoryFollows), ...verdictsFor("destination", hostChecks, { host, memoryFollows })];
}
