import { expect, test } from "vitest";
import { roundsWithin, slowDown } from "../../../bench/measure/slow-down.ts";
import type { Step } from "../../../src/contract/operations.ts";

const step = (name: string, at: number, ms: number, side: Step["side"] = "source"): Step => ({
  ...{ name, side, at, ms, switchover: false },
});

/** The pause begins at 60 s since 1970, and with it the freeze. */
const gap = { ms: 500, endedAt: 60_500 };

test("the rounds are where the freeze says, which begins the program's pause", () => {
  const steps = [
    step("copy files", 100, 50),
    step("memory round 1", 1000, 2000),
    step("memory round 2", 3000, 100),
    step("arm", 3100, 400),
    step("last rounds", 3500, 200),
    step("freeze", 4000, 10),
    step("memory round 3", 0, 90_000, "destination"),
  ];
  expect(roundsWithin(steps, gap)).toEqual({ from: 57_000, to: 59_700 });
});

test.each([
  ["there are no rounds", [step("drain", 0, 1), step("freeze", 5, 1)]],
  ["nothing was frozen", [step("memory round 1", 0, 1)]],
])("without a span where %s", (_, steps) => {
  expect(roundsWithin(steps, gap)).toBeUndefined();
});

/** 100 pages in 200 ms before the move, which begins at 2 s; 75 in the rounds, from 3 s; none in the pause. */
const log = [
  "ready",
  ...["wrote 0 1.000", "wrote 100 1.200", "wrote 200 1.400", "wrote 400 1.800"],
  ...["wrote 500 2.500", "gap 21.0 2.600"],
  ...["wrote 1000 3.000", "wrote 1075 3.200", "wrote 1225 3.600"],
  ...["gap 500.0 4.200", "wrote 1300 4.200"],
].join("\n");

test("the rate in the rounds is compared with that before the move; what lies between does not count", () => {
  expect(slowDown(log, 2000, { from: 3000, to: 3700 })).toBeCloseTo(0.25);
});

test("a program that stood still wrote nothing", () => {
  expect(slowDown(log.replace("1225", "1000").replace("1075", "1000"), 2000, { from: 3000, to: 3700 })).toBe(1);
});

test("a log that does not tell is no figure", () => {
  expect(slowDown(log, 2000, { from: 3050, to: 3250 })).toBeUndefined();
  expect(slowDown("ready\n", 2000, { from: 3000, to: 3700 })).toBeUndefined();
});
