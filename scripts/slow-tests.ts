import { relative } from "node:path";
import type { VitestReport } from "./count-tests.ts";

/**
 * Two tables of the reports of vitest, as lines: the `most` slowest tests, and the time of each file from the start of its first test
 * to the end of its last, without its set-up. Times are in seconds.
 * @param folder the folder of the checkout: paths are shown relative to it
 */
export function slowTests(reports: VitestReport[], folder: string, most = 15): string[] {
  const files = reports.flatMap(({ testResults }) => testResults);
  const tests = files.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, duration = 0 }) => ({
      name: `${relative(folder, name)}: ${fullName.trim()}`,
      duration,
    })),
  );
  const whole = files.map(({ name, startTime, endTime }) => ({
    name: relative(folder, name),
    duration: endTime - startTime,
  }));
  return [
    `the ${Math.min(most, tests.length)} slowest tests, in seconds:`,
    ...slowestFirst(tests).slice(0, most),
    "the tests of each file, in seconds:",
    ...slowestFirst(whole),
  ];
}

const slowestFirst = (rows: { name: string; duration: number }[]): string[] =>
  rows
    .toSorted((one, other) => other.duration - one.duration)
    .map(({ name, duration }) => `${(duration / 1000).toFixed(1).padStart(8)}  ${name}`);
