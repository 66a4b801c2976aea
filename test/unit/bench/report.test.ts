import { expect, test } from "vitest";
import { type Case, cases } from "../../../bench/cases.ts";
import { longestGap } from "../../../bench/measure/ticker.ts";
import { spreadSteps } from "../../../bench/report/details.ts";
import { ofMachine, type Results, withOutcome } from "../../../bench/report/merge.ts";
import { plot } from "../../../bench/report/plot.ts";
import { spreadOf } from "../../../bench/report/statistics.ts";
import { markdown } from "../../../bench/report/table.ts";
import { targets } from "../../../bench/report/targets.ts";
import type { Run } from "../../../bench/run.ts";

const nothing: Results = { rows: [], details: { machine: {}, labs: {}, cases: {} } };
const order = cases.map(({ name }) => name);

function caseOf(name: string): Case {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`There is no case ${name}.`);
  return found;
}

function measured(results: Results, name: string, runs: Run[], error: string | null = null): Results {
  return withOutcome(results, { measured: caseOf(name), runs, error, measuredAt: new Date(0), lab: undefined }, order);
}

const downtimes = (...ms: number[]): Run[] => ms.map((downtimeMs) => ({ downtimeMs, floorMs: 200 }));

test.each([
  [[3, 1, 2], { median: 2, min: 1, max: 3, count: 3 }],
  [[4, 1, 3, 2], { median: 2.5, min: 1, max: 4, count: 4 }],
  [[null, 7, null], { median: 7, min: 7, max: 7, count: 1 }],
  [[null], undefined],
])("the spread of %j", (values, spread) => {
  expect(spreadOf(values)).toEqual(spread);
});

test("the longest pause is looked for across the move only", () => {
  const log = "ready\ngap 900.0 99.500\ngap 250.5 100.700\nchecked 0\ngap 31.0 101.000\ngap 800.0 103.000\n";
  expect(longestGap(log, 100_000, 102_000)).toEqual({ ms: 250.5, endedAt: 100_700 });
  expect(longestGap("ready\n", 0, 1e15)).toBeUndefined();
});

test("a case that is measured again takes the place of its old rows; the others stay, in the table's order", () => {
  const first = measured(measured(nothing, "floor-64", downtimes(1)), "postcopy-64-idle", downtimes(5, 6));
  const { rows } = measured(first, "postcopy-64-idle", downtimes(7));
  expect(rows.map((row) => [row.case, row.downtimeMs])).toEqual([
    ["postcopy-64-idle", 7],
    ["floor-64", 1],
  ]);
});

test("what was measured on another machine does not stay", () => {
  const here = measured(ofMachine(nothing, { cores: "2 of one kind" }), "floor-64", downtimes(1));
  expect(ofMachine(here, { cores: "2 of one kind" })).toBe(here);
  const elsewhere = { machine: { cores: "2 of another" }, labs: {}, cases: {} };
  expect(ofMachine(here, elsewhere.machine)).toEqual({ rows: [], details: elsewhere });
});

test("a row has the figures of its run, rounded", () => {
  const run: Run = { downtimeMs: 300.04, totalS: 5.5551, wireBytes: 7, floorMs: 250, agentCpuS: 1, agentRssMiB: 99 };
  expect(measured(nothing, "postcopy-1024-idle", [run]).rows).toMatchObject([
    {
      case: "postcopy-1024-idle",
      ...{ memoryMiB: 1024, dirtyMBs: 0, linkMbits: null, tool: "godwit", mode: "postcopy" },
      ...{ downtimeMs: 300, totalS: 5.56, wireBytes: 7, floorMs: 250, agentCpuS: 1, agentRssMiB: 99 },
    },
  ]);
});

test("a case that failed stands in the page with its reason", () => {
  const { rows, details } = measured(nothing, "docker-64-idle", [], "no such | thing\nand more");
  expect(markdown(rows, details)).toMatch(/`docker-64-idle`.*\*\*failed\*\*: no such \\\| thing \|/);
});

test("the page has median, minimum and maximum, and the targets of its rows", () => {
  const { rows, details } = measured(nothing, "postcopy-1024-idle", downtimes(260, 300, 240));
  const page = markdown(rows, details);
  expect(page).toContain("260 (240–300)");
  expect(page).toContain("| downtime of post-copy at 1 GiB, idle, to the floor | ≤ 1.25 | 1.30 | **no** |");
  expect(page).not.toContain("Docker's");
});

test("a target is met at its limit", () => {
  const { rows, details } = measured(nothing, "postcopy-1024-idle", downtimes(250));
  expect(targets(rows, details)).toMatchObject([{ value: "1.25", met: true }]);
});

test("steps: one that a run has twice counts with its sum, and a run without it does not count", () => {
  const step = (name: string, ms: number) => ({ name, side: "source" as const, ms, switchover: true });
  const spread = spreadSteps([
    [step("dump", 10), step("dump", 5), step("hand over", 1)],
    undefined,
    [step("dump", 25)],
  ]);
  expect(spread.map(({ name, ms }) => [name, ms.median, ms.count])).toEqual([
    ["dump", 20, 2],
    ["hand over", 1, 1],
  ]);
});

test("the plot has a line a tool, with a mark for each memory size, above one another by their values", () => {
  const results = measured(
    measured(nothing, "postcopy-64-idle", downtimes(300, 500)),
    "docker-64-idle",
    downtimes(9000),
  );
  const svg = plot(measured(results, "postcopy-1024-idle", downtimes(400)).rows);
  expect(svg).toContain(">docker checkpoint<");
  expect(svg).toContain("<title>godwit postcopy, 64 MiB: 400 ms (300–500)</title>");
  const heights = [...svg.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)" r="4" fill="[^"]+"><title>/g)].map(([, y]) =>
    Number(y),
  );
  expect(heights).toHaveLength(3);
  const [docker = 0, small = 0, large = 0] = heights;
  expect(docker).toBeLessThan(small);
  expect(small).toBe(large);
});

test("a plot without rows is still a picture", () => {
  expect(plot([])).toMatch(/^<svg .*<\/svg>\n$/s);
  expect(plot([])).not.toMatch(/NaN|Infinity/);
});
