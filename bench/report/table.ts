import type { Details, StepSpread } from "./details.ts";
import type { Row } from "./rows.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { targets } from "./targets.ts";

/** The results as a Markdown page: the targets, a row for each case, and the steps of each case. */
export function markdown(rows: readonly Row[], details: Details): string {
  const parts = [
    "# Measured",
    "Made by `npm run bench`; [CONTRIBUTING.md](../../CONTRIBUTING.md) says how. Each value is a median, with the least and the greatest in brackets.",
    machine(details),
    "![Downtime by memory and tool](latest.svg)",
    targetTable(rows, details),
    caseTable(rows, details),
    notes,
    stepTables(details),
  ];
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

function machine({ machine, labs }: Details): string {
  const facts = Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`);
  const hosts = Object.entries(labs).map(([name, { versions, linkRates }]) => {
    const rates = Object.entries(linkRates).map(([link, rate]) => `${link}: ${Math.round(rate)} Mbit/s over bare TCP`);
    return `- hosts \`${name}\`: ${[versions, ...rates].join("; ")}`;
  });
  return [...facts, ...hosts].join("\n");
}

function targetTable(rows: readonly Row[], details: Details): string {
  const lines = targets(rows, details).map(({ what, limit, value, met }) => [
    what,
    limit,
    value,
    met ? "yes" : "**no**",
  ]);
  return lines.length > 0
    ? `## What must be reached\n\n${table(["measure", "must reach", "measured", "met"], lines)}`
    : "";
}

function caseTable(rows: readonly Row[], { cases }: Details): string {
  const names = [...new Set([...rows.map((row) => row.case), ...Object.keys(cases)])];
  const lines = names.map((name) => {
    const ran = rows.filter((row) => row.case === name);
    const [first] = ran;
    const error = cases[name]?.error ? `**failed**: ${cases[name].error.split("\n")[0]?.replaceAll("|", "\\|")}` : "";
    const of = (value: (row: Row) => number | null, digits: number) => cell(spreadOf(ran.map(value)), digits);
    const mebibytes = (value: (row: Row) => number | null) => of((row) => scaled(value(row), 2 ** 20), 0);
    return [
      `\`${name}\``,
      first ? `${first.tool} ${first.mode}` : "",
      String(ran.length),
      error || of((row) => row.downtimeMs, 0),
      of((row) => row.reportedMs ?? null, 0),
      of((row) => row.floorMs, 0),
      of((row) => row.totalS, 1),
      mebibytes((row) => row.wireBytes),
      mebibytes((row) => row.interfaceBytes),
      of((row) => row.agentCpuS, 1),
      of((row) => row.childrenCpuS, 1),
      of((row) => row.agentRssMiB, 0),
      of((row) => row.agentLoopMs, 0),
      of((row) => row.helpersCpuS ?? null, 1),
      of((row) => row.helpersRssMiB ?? null, 0),
      of((row) => scaled(row.slowDown ?? null, 0.01), 0),
    ];
  });
  const head = [
    "case",
    "tool",
    "runs",
    "downtime, ms",
    "reported, ms",
    "floor, ms",
    "total, s",
    "wire, MiB",
    "interfaces, MiB",
  ];
  return `## Cases\n\n${table([...head, "agent CPU, s", "children CPU, s", "agent RSS, MiB", "loop, ms", "helpers CPU, s", "helpers RSS, MiB", "slow-down, %"], lines)}`;
}

const notes = `- *downtime*: the longest pause of a program in the container that wakes every millisecond, across the whole move.
- *reported*: the length of that pause as the tool reports it.
- *floor*: the same container in the same run of the bench, moved by runc alone: freeze and \`runc checkpoint --lazy-pages\` until its pages are served, plus \`runc restore --lazy-pages\` with all images in place.
- *total*: from the first command to the end of the last one. By then all memory has arrived.
- *wire*: as the tool counts it. If the tool does not count, as the interfaces count it. *interfaces*: what both hosts sent, with all headers.
- *agent CPU*: user and system time of both agents. *children CPU*: the same of the programs that they started and that have ended (runc, CRIU, rsync).
- *agent RSS*: the higher peak of the two agents. *loop*: the longest time that an agent's event loop was busy with one task, without the time that it waited for a processor.
- *helpers*: the programs in C that carry memory (godwit-memory, godwit-lazy-pages): CPU of both hosts, and the higher peak of the two of the memory of their own. What of their CPU belongs to ended children of an agent is in *children CPU* too.
- *slow-down*: how many pages fewer the program wrote in a second of the rounds than in one before the move.
- In \`postgres-N\` PostgreSQL with N MiB of filled shared buffers moves, while four clients of pgbench write to it. The pause is that of a small program beside it.
- The memory of each case is incompressible. After the move all of the program's memory is checked: a wrong page fails the run, and so does a failed transaction.`;

function stepTables({ cases }: Details): string {
  const sections = Object.entries(cases).flatMap(([name, { steps }]) => {
    if (steps.length === 0) return [];
    const lines = steps.map((step: StepSpread) => [
      step.name,
      step.side,
      step.switchover ? "yes" : "",
      cell(step.ms, 0),
    ]);
    return [`### ${name}\n\n${table(["step", "side", "stands still", "ms"], lines)}`];
  });
  return sections.length > 0 ? `## Steps\n\n${sections.join("\n\n")}` : "";
}

const scaled = (value: number | null, by: number) => (value === null ? null : value / by);

function cell(spread: Spread | undefined, digits: number): string {
  if (!spread) return "";
  const { median, min, max, count } = spread;
  const text = (value: number) => value.toFixed(digits);
  return count === 1 ? text(median) : `${text(median)} (${text(min)}–${text(max)})`;
}

function table(head: string[], lines: string[][]): string {
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...lines.map(row)].join("\n");
}
