/** The fields of vitest's JSON report that are used; times in milliseconds. */
export interface VitestReport {
  testResults: {
    /** The path of the file. */
    name: string;
    status: string;
    /** Of its first test. */
    startTime: number;
    /** Of its last test. */
    endTime: number;
    assertionResults: { status: string; fullName: string /** Missing for a skipped test. */; duration?: number }[];
  }[];
}

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Counts the tests of a run. Whatever went wrong without a failed test counts as one failure: no report, a file that could
 * not be loaded or whose set-up failed, an error outside the tests, a run without a single test.
 * @param report undefined if vitest wrote none
 * @param status the exit status of vitest
 */
export function countTests(report: VitestReport | undefined, status: number): Count {
  const count: Count = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report?.testResults ?? []) {
    const states = file.assertionResults.map((test) => test.status);
    count.passed += states.filter((state) => state === "passed").length;
    count.skipped += states.filter((state) => state !== "passed" && state !== "failed").length;
    const failed = states.filter((state) => state === "failed").length;
    count.failed += failed === 0 && file.status === "failed" ? 1 : failed;
  }
  const nothing = count.passed + count.failed === 0;
  if (count.failed === 0 && (status !== 0 || nothing)) count.failed = 1;
  return count;
}
