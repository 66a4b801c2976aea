import type { DestinationView } from "../../contract/facts.ts";
import type { Check, PlannedMove } from "../check.ts";
import { type Finding, fail, ok, warn } from "../finding.ts";

type Ports = DestinationView["portsTaken"];

export const ports: Check<PlannedMove> = {
  key: "ports",
  audiences: ["migration"],
  run: ({ container, view: { portsTaken } }) => {
    const published = (chosen: boolean) =>
      new Set(container.ports.filter((port) => port.chosen === chosen).map(({ hostPort }) => hostPort));
    const [asked, chosen] = [published(false), published(true)];
    const elsewhere = portsTaken.filter(({ port }) => chosen.has(port) && !asked.has(port));
    const taken = portsTaken.filter((port) => !elsewhere.includes(port));
    const found = [...inUse(taken), ...movable(elsewhere, container.name)];
    if (found.length > 0) return found;
    const free = [...asked, ...chosen];
    return free.length > 0 ? [ok(`the published ports are free: ${free.join(", ")}`)] : [];
  },
};

function inUse(taken: Ports): Finding[] {
  const [first] = taken;
  if (!first) return [];
  const kind = first.protocol === "udp" ? "-lnup" : "-lntp";
  const remedy = `stop what listens there: ss ${kind} 'sport = :${first.port}'`;
  return [fail("preflight-failed", `published ${named(taken)} in use already`, remedy)];
}

function movable(taken: Ports, container: string): Finding[] {
  if (taken.length === 0) return [];
  return [
    warn(
      `published ${named(taken)} in use already; Docker chose it, and chooses another one there`,
      `see it after the move: docker port ${container}`,
    ),
  ];
}

function named(ports: Ports): string {
  const list = ports.map(({ port, protocol }) => `${port}/${protocol}`).join(", ");
  return ports.length > 1 ? `ports ${list} are` : `port ${list} is`;
}
