import { expect, test } from "vitest";
import { cases } from "../../../bench/cases.ts";
import { estimateSeconds, groupByLab, readOptions, selectCases } from "../../../bench/options.ts";

const namesOf = (...names: string[]) => selectCases(cases, names).map(({ name }) => name);

test("a name that a case has is only that case", () => {
  expect(namesOf("postcopy-1024-idle")).toEqual(["postcopy-1024-idle"]);
});

test("any other name is the beginning of names; the order is that of the table", () => {
  expect(namesOf("tls-stream-64", "postcopy-64-i")).toEqual([
    "postcopy-64-idle",
    "postcopy-64-idle-1g",
    "tls-stream-64",
  ]);
});

test("no name is all cases; one that fits nothing is refused", () => {
  expect(namesOf()).toEqual(cases.map(({ name }) => name));
  expect(() => namesOf("postcopy-1024-idle", "lukewarm")).toThrow("'lukewarm'");
});

test("no two cases have the same name", () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

test("options", () => {
  expect(readOptions(["--only", "a,b", "--only", "c", "--runs", "7"])).toMatchObject({
    only: ["a", "b", "c"],
    runs: 7,
  });
  expect(readOptions([])).toEqual({ only: [], runs: undefined, list: false, help: false });
});

test.each(["0", "-1", "two", "1.5", ""])("--runs=%s is refused", (runs) => {
  expect(() => readOptions([`--runs=${runs}`])).toThrow("--runs");
});

test("a lab is up once for all of its cases", () => {
  const groups = groupByLab(selectCases(cases, ["docker-64", "postcopy-64-idle", "floor-64"]));
  expect(groups.map(({ lab, cases }) => [lab, cases.map(({ name }) => name)])).toEqual([
    ["docker-28", ["postcopy-64-idle", "floor-64"]],
    ["docker-26", ["docker-64-idle"]],
  ]);
});

test("the estimate counts the runs, and the warm-up where there is one", () => {
  const [floor] = selectCases(cases, ["floor-64"]);
  const [docker] = selectCases(cases, ["docker-64-idle"]);
  if (!floor || !docker) throw new Error("these cases are gone");
  expect(estimateSeconds([floor], 3)).toBeCloseTo(4 * floor.secondsPerRun);
  expect(estimateSeconds([docker], undefined)).toBeCloseTo(docker.runs * docker.secondsPerRun);
});
