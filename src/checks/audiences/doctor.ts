import type { HostFacts, Verdict } from "../../contract/facts.ts";
import { verdictsFor } from "../check.ts";
import { hostChecks, twoHostsChecks } from "../registry.ts";

/** Everything that a host needs, a verdict for each thing; after that, what it has in common with another host. */
export function doctor(host: HostFacts, other?: HostFacts): Verdict[] {
  return [
    ...verdictsFor("doctor", hostChecks, { host, memoryFollows: false }),
    ...(other ? verdictsFor("doctor", twoHostsChecks, { one: host, other }) : []),
  ];
}
