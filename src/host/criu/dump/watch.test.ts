import { expect, test } from "vitest";
import { dumpLimits, exceeded } from "./watch.ts";

const GiB = 2 ** 30;

test("the limits of a dump grow with its memory and its processes", () => {
  const size = { bytes: 4 * GiB, processes: 20 };
  const limits = dumpLimits(size);
  expect(limits.ms).toBeGreaterThan(5 * 60_000);
  expect(limits.bytes).toBeGreaterThan(8 * GiB);
  expect(exceeded({ ms: limits.ms, bytes: limits.bytes }, limits, size)).toBeUndefined();
  expect(exceeded({ ms: limits.ms + 1, bytes: 0 }, limits, size)).toBe(
    "it took longer than 367 s, the limit for 4 GiB of memory in 20 processes",
  );
  expect(exceeded({ ms: 0, bytes: limits.bytes + 1 }, limits, size)).toMatch(
    /^it wrote more than 8\.27 GiB, the limit /,
  );
});
