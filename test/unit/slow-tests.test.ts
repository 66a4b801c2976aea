import { expect, test } from "vitest";
import type { VitestReport } from "../../scripts/count-tests.ts";
import { slowTests } from "../../scripts/slow-tests.ts";

const file = (
  name: string,
  startTime: number,
  durations: (number | undefined)[],
): VitestReport["testResults"][number] => ({
  name: `/checkout/${name}`,
  status: "passed",
  startTime,
  endTime: startTime + durations.reduce<number>((sum, each) => sum + (each ?? 0), 0),
  assertionResults: durations.map((duration, i) => ({
    status: "passed",
    fullName: ` moves ${i}`,
    ...(duration === undefined ? {} : { duration }),
  })),
});

test("the slowest tests of all runs come first, then each file with the time from its first test to its last", () => {
  const runs = [
    { testResults: [file("test/a.test.ts", 5000, [1000, 21_040]), file("test/b.test.ts", 9000, [130_000, undefined])] },
    { testResults: [file("test/c.test.ts", 7000, [3000])] },
  ];
  expect(slowTests(runs, "/checkout", 3)).toEqual([
    "the 3 slowest tests, in seconds:",
    "   130.0  test/b.test.ts: moves 0",
    "    21.0  test/a.test.ts: moves 1",
    "     3.0  test/c.test.ts: moves 0",
    "the tests of each file, in seconds:",
    "   130.0  test/b.test.ts",
    "    22.0  test/a.test.ts",
    "     3.0  test/c.test.ts",
  ]);
});

test("where there are fewer tests than asked for, all are shown", () => {
  expect(slowTests([{ testResults: [file("test/a.test.ts", 0, [500])] }], "/checkout")[0]).toBe(
    "the 1 slowest tests, in seconds:",
  );
});
