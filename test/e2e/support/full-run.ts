import { test } from "vitest";

/**
 * Whether this is a run of `npm run test:full` (or of a file by hand with GODWIT_TEST_FULL=1). `npm test` moves each program once
 * in each mode, with less data, and leaves out tests of a kind that a shorter test covers.
 */
export const isFullRun = process.env.GODWIT_TEST_FULL === "1";

/** A test that only the full run has: in every other run a shorter test covers its kind. */
export function testInFullRun(name: string, run: () => Promise<void>): void {
  if (isFullRun) test(name, run);
}
