import type { Belongings } from "../contract/belongings.ts";
import type { ContainerFacts, DestinationView, HostFacts, Verdict } from "../contract/facts.ts";
import type { Mode } from "../contract/migration.ts";
import { arrivalChecks } from "./arrival-checks.ts";
import { compareHosts } from "./compare-hosts.ts";
import { containerChecks, userCheck } from "./container-obstacles.ts";
import { departureChecks } from "./departure-checks.ts";
import { destinationChecks, sourceChecks } from "./doctor.ts";
import { modeChecks } from "./mode-checks.ts";
import { fail, on } from "./verdict.ts";

export interface PreflightInput {
  source: HostFacts;
  destination: HostFacts;
  container: ContainerFacts;
  view: DestinationView;
  mode: Mode;
  choices: Belongings;
}

/** Whether a container may move: a verdict a line, in the order in which a reader wants to know. Nothing is changed by it. */
export function preflight({ source, destination, container, view, mode, choices }: PreflightInput): Verdict[] {
  const postcopy = mode === "postcopy";
  const verdicts = [
    ...sameHost(source, destination),
    ...containerChecks(container),
    ...userCheck(container, source),
    ...on(source.name, sourceChecks(source, postcopy)),
    ...on(source.name, departureChecks(container, source, mode)),
    ...on(destination.name, destinationChecks(destination, postcopy)),
    ...compareHosts(source, destination),
    ...modeChecks(source, destination, mode),
    ...on(destination.name, arrivalChecks(container, destination, view, choices)),
  ];
  const failed = new Set(verdicts.filter(({ level }) => level === "fail").map(({ message }) => message));
  return verdicts.filter(({ level, message }) => level !== "warn" || !failed.has(message));
}

function sameHost(source: HostFacts, destination: HostFacts): Verdict[] {
  if (source.name !== destination.name) return [];
  const what = `the container is on ${source.name} already`;
  return [fail("hosts", "usage", what, "name another host, or make a second container with 'godwit clone'")];
}
