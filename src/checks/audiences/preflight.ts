import type { Verdict } from "../../contract/facts.ts";
import { type PlannedMove, verdictsFor } from "../check.ts";
import { destinationNeeds, sourceNeeds } from "../host-needs.ts";
import { modes } from "../modes.ts";
import {
  arrivalChecks,
  containerChecks,
  departureChecks,
  modeChecks,
  requestChecks,
  twoHostsChecks,
} from "../registry.ts";
import { on } from "../verdict.ts";

/** Whether a container may move: verdicts in the order in which a reader wants to know them. */
export function preflight(move: PlannedMove): Verdict[] {
  const { source, destination, container, mode } = move;
  const memoryFollows = modes[mode].followsAfterResume;
  const verdicts = [
    ...verdictsFor("migration", requestChecks, move),
    ...verdictsFor("migration", containerChecks, { container, host: source }),
    ...on(source.name, sourceNeeds(source, memoryFollows)),
    ...on(source.name, verdictsFor("migration", departureChecks, move)),
    ...on(destination.name, destinationNeeds(destination, memoryFollows)),
    ...verdictsFor("migration", twoHostsChecks, { one: source, other: destination }),
    ...verdictsFor("migration", modeChecks, move),
    ...on(destination.name, verdictsFor("migration", arrivalChecks, move)),
  ];
  const failed = new Set(verdicts.filter(({ level }) => level === "fail").map(({ message }) => message));
  return verdicts.filter(({ level, message }) => level !== "warn" || !failed.has(message));
}
