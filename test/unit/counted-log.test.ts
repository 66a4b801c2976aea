import { expect, test } from "vitest";
import { readCountedLog } from "../../scripts/counted-log.ts";

const logOf = (...lines: [ms: number, text: string][]) =>
  lines.map(([ms, text]) => `${new Date(ms).toISOString()} ${text}\n`).join("");

test("a log with every number once and in order, and its longest pause", () => {
  const log = readCountedLog(logOf([0, "0"], [200, "1"], [1300, "2"], [1500, "3"]));
  expect(log).toEqual({ numbers: [0, 1, 2, 3], problem: undefined, pause: { ms: 1100, before: 2, usualMs: 200 } });
});

test("a missing, a repeated and a strange line are found", () => {
  expect(readCountedLog(logOf([0, "0"], [1, "2"])).problem).toContain("line 2");
  expect(readCountedLog(logOf([0, "0"], [1, "1"], [2, "1"])).problem).toContain("line 3");
  expect(readCountedLog(logOf([0, "0"], [1, "one"])).problem).toContain("'1970-01-01T00:00:00.001Z one'");
  expect(readCountedLog("").problem).toBe("the log is empty.");
});
