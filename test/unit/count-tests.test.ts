import { expect, test } from "vitest";
import { countTests, type VitestReport } from "../../scripts/count-tests.ts";

const file = (status: string, ...tests: string[]): VitestReport["testResults"][number] => ({
  name: "a.test.ts",
  status,
  startTime: 0,
  endTime: 0,
  assertionResults: tests.map((status) => ({ status, fullName: "a test" })),
});

test("counts the tests of all files", () => {
  const testResults = [file("passed", "passed", "passed", "skipped"), file("failed", "passed", "failed")];
  expect(countTests({ testResults }, 1)).toEqual({ passed: 3, failed: 1, skipped: 1 });
});

test("a file that fails without a failed test counts as one failure", () => {
  const testResults = [file("failed"), file("failed", "skipped"), file("passed", "passed")];
  expect(countTests({ testResults }, 1)).toEqual({ passed: 1, failed: 2, skipped: 1 });
});

test("a run without a report, without tests, or with an error outside the tests has failed", () => {
  expect(countTests(undefined, 137)).toMatchObject({ passed: 0, failed: 1 });
  expect(countTests(undefined, 0)).toMatchObject({ passed: 0, failed: 1 });
  expect(countTests({ testResults: [] }, 0)).toMatchObject({ passed: 0, failed: 1 });
  expect(countTests({ testResults: [file("passed", "passed")] }, 1)).toMatchObject({ passed: 1, failed: 1 });
});
