import { expect, test } from "vitest";
import { cases } from "../../../bench/cases.ts";
import { lastAttempt } from "../../../bench/measure/postgres.ts";
import { floorArguments, tickerArguments } from "../../../bench/measure/ticker.ts";
import { readHelperUsage } from "../../../bench/measure/usage.ts";

const caseOf = (name: string) => {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`There is no case ${name}.`);
  return found;
};

test.each([
  ["precopy-1024-20", "1024 20 1"],
  ["processes-64x8", "8 0 64"],
  ["memfd-512", "-m memfd 512 0 1"],
  // Forked processes have the memory together.
  ["prefork-210", "-m forked 210 0 7"],
  ["hot-1024", "-h 24 1024 100 1"],
])("what the program of %s is told", (name, words) => {
  expect(tickerArguments(caseOf(name))).toBe(words);
});

test("cases with the same container share a floor, which writes nothing; other memory has its own", () => {
  const floor = (name: string) => floorArguments(caseOf(name));
  expect(floor("precopy-1024-20")).toBe("bench /bin/ticker 1024 0 1");
  for (const same of ["postcopy-1024-100", "hot-1024"]) expect(floor(same)).toBe(floor("precopy-1024-20"));
  expect(new Set(["shared-512", "memfd-512", "processes-1x512"].map(floor)).size).toBe(3);
  expect(floor("postgres-192")).toMatch(/ postgres-bench sh \S+ serve 192$/);
});

test("what the helper programs used", () => {
  expect(readHelperUsage("cpu 1.25\nmemory 2048")).toEqual({ cpuS: 1.25, memoryKiB: 2048 });
  expect(() => readHelperUsage("Terminated")).toThrow("Terminated");
});

test("what clients said while they waited for the server is not their failure", () => {
  const waited = "pgbench: error: connection to server failed\npgbench (17.6)\nprogress: 5.0 s, 100 tps\n";
  expect(lastAttempt(waited)).toBe("\npgbench (17.6)\nprogress: 5.0 s, 100 tps\n");
  expect(lastAttempt("pgbench: error: no")).toBe("pgbench: error: no");
});
