import { test } from "vitest";

/**
 * Whether this is a run of `npm run test:full` (or of a file by hand with GODWIT_TEST_FULL=1). `npm test` moves each program once
 * in each mode, with less data, and leaves out tests whose kind it has already in a shorter one.
 */
export const isFullRun = process.env.GODWIT_TEST_FULL === "1";

/** A test whose kind every run has already, in a shorter one. */
export function testInFullRun(name: string, run: () => Promise<void>): void {
  if (isFullRun) test(name, run);
}
