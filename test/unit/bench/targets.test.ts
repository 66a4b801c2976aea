import { expect, test } from "vitest";
import { cases } from "../../../bench/cases.ts";
import type { Row } from "../../../bench/report/rows.ts";
import { targets } from "../../../bench/report/targets.ts";

const MiB = 2 ** 20;

/** A run of a case that measured nothing but what is given. */
function row(name: string, measured: Partial<Row>): Row {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`There is no case ${name}.`);
  const { memoryMiB, dirtyMBs, linkMbits, tool, mode } = found;
  const nothing = { downtimeMs: null, totalS: null, wireBytes: null, floorMs: null, agentCpuS: null };
  const more = { agentRssMiB: null, interfaceBytes: null, childrenCpuS: null, agentLoopMs: null };
  return { case: name, memoryMiB, dirtyMBs, linkMbits, tool, mode, ...nothing, ...more, ...measured };
}

/** Each target of these rows in one line. */
const said = (...rows: Row[]) =>
  targets(rows, { machine: {}, labs: {}, cases: {} }).map(
    ({ what, limit, value, met }) => `${what}: ${value}, ${limit}, ${met ? "met" : "missed"}`,
  );

const moved = (name: string, downtimeMs: number, floorMs = 400) => row(name, { downtimeMs, floorMs });

test.each([
  ["precopy-1024-idle", 459, "1.15, ≤ 1.15, met"],
  ["precopy-1024-idle", 480, "1.20, ≤ 1.15, missed"],
  ["precopy-1024-20", 600, "1.50, ≤ 1.50, met"],
  ["precopy-1024-100", 640, "1.60, ≤ 1.50, missed"],
])("pre-copy %s with %d ms to a floor of 400 ms", (name, ms, verdict) => {
  expect(said(moved(name, ms))).toEqual([`downtime of \`${name}\` to the floor: ${verdict}`]);
});

test("rounds converge where every run ends as pre-copy", () => {
  const as = (...modes: string[]) => said(...modes.map((endMode) => row("precopy-1024-100", { endMode })));
  expect(as("precopy", "precopy")).toEqual(["rounds of `precopy-1024-100` converge: 2 of 2, all runs, met"]);
  expect(as("precopy", "postcopy")).toEqual(["rounds of `precopy-1024-100` converge: 1 of 2, all runs, missed"]);
});

test("the slow-down of the program in rounds", () => {
  const slowDowns = [0.1, 0.16, 0.2].map((slowDown) => row("precopy-1024-20", { slowDown }));
  expect(said(...slowDowns)).toEqual([
    "slow-down of the program in the rounds of `precopy-1024-20`: 16 %, ≤ 15 %, missed",
  ]);
});

test.each([
  ["precopy-1024-idle", 1.04, "1.04, ≤ 1.03, missed"],
  ["precopy-1024-20", 1.3, "1.30, ≤ 1.30, met"],
  ["hot-1024", 1.12, "1.12, ≤ 1.10, missed"],
])("bytes of %s: %d times the memory", (name, times, verdict) => {
  const sent = row(name, { wireBytes: times * 1024 * MiB });
  expect(said(sent)).toEqual([`bytes on the wire to memory, \`${name}\`: ${verdict}`]);
});

test("rounds that go on as post-copy are not asked to converge", () => {
  expect(said(row("hot-1024", { endMode: "postcopy", downtimeMs: 900, floorMs: 400 }))).toEqual([
    "`hot-1024` goes on as post-copy: 1 of 1, all runs, met",
  ]);
});

test("shared anonymous memory is compared with little of it, and with the floor", () => {
  expect(said(moved("shared-16", 500), moved("shared-512", 650, 520))).toEqual([
    "downtime of 512 MiB of shared anonymous memory to that of 16 MiB: 1.30, ≤ 1.30, met",
    "the same to the floor: 1.25, ≤ 1.30, met",
  ]);
});

test.each([
  ["memfd", "of memfd"],
  ["sysv", "of a System V segment"],
])("%s may add a second for each GiB, to little of it and to the floor", (kind, what) => {
  expect(said(moved(`${kind}-16`, 500), moved(`${kind}-512`, 1001, 500))).toEqual([
    `downtime that 512 MiB ${what} add to that of 16 MiB: 501 ms, ≤ 500 ms, missed`,
    "the same to the floor: 501 ms, ≤ 500 ms, missed",
  ]);
});

test("PostgreSQL: the largest is compared with the smallest, and each with its floor", () => {
  const [small, large] = [moved("postgres-16", 1000, 1000), moved("postgres-2048", 1400, 1000)];
  expect(said(small, large)).toEqual([
    "downtime of PostgreSQL with 2 GiB of shared buffers to that with 16 MB: 1.40, ≤ 1.30, missed",
    "downtime of `postgres-16` to the floor: 1.00, ≤ 1.30, met",
    "downtime of `postgres-2048` to the floor: 1.40, ≤ 1.30, missed",
  ]);
});

test("forked workers: what they have together after the move", () => {
  expect(said(row("prefork-210", { pssBeforeMiB: 210, pssAfterMiB: 240 }))).toEqual([
    "memory of a program with six forked workers, after a move to before: 1.14, ≤ 1.15, met",
  ]);
});

test("an agent's memory is in 10^6 bytes, and that of its helpers counts beside it", () => {
  expect(said(row("postcopy-4096-idle", { agentRssMiB: 190, helpersRssMiB: 10 }))).toEqual([
    "memory of an agent while it moves 4 GiB, postcopy: 199 MB, ≤ 200 MB, met",
    "the same with its helper programs: 210 MB, ≤ 200 MB, missed",
  ]);
});

test("so does their CPU; a run that did not measure it is no figure", () => {
  const agents = "CPU of both agents for 1 GiB, precopy: 1.5 s, ≤ 2 s, met";
  expect(said(row("precopy-1024-idle", { agentCpuS: 1.5, helpersCpuS: 1 }))).toEqual([
    agents,
    "the same with their helper programs: 2.5 s, ≤ 2 s, missed",
  ]);
  expect(said(row("precopy-1024-idle", { agentCpuS: 1.5 }))).toEqual([agents]);
});

test("the whole of a pre-copy is compared with one TLS stream", () => {
  expect(said(row("tls-stream-1024", { totalS: 1 }), row("precopy-1024-idle", { totalS: 3.6 }))).toEqual([
    "total of pre-copy at 1 GiB, idle, where one TLS stream takes 1.0 s: 3.6 s, ≤ 3.5 s, missed",
  ]);
});
