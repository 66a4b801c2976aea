import type { ContainerFacts, HostFacts, Verdict } from "../../contract/facts.ts";
import { verdictsFor } from "../check.ts";
import { sourceNeeds } from "../host-needs.ts";
import { containerChecks } from "../registry.ts";
import { obstaclesIn } from "../verdict.ts";

/**
 * What keeps a container from moving to any host, and what a move loses of it: `fail` first. It takes only the failures from the
 * checks of the host.
 */
export function containerObstacles(container: ContainerFacts, host: HostFacts): Verdict[] {
  const ofHost = sourceNeeds(host).filter(({ level }) => level === "fail");
  return obstaclesIn([...verdictsFor("migration", containerChecks, { container, host }), ...ofHost]);
}
