import { expect, test } from "vitest";
import { behindBy } from "./clock.ts";

test("the quickest answer says how far a clock is behind", () => {
  const slow = { asked: 100, answered: 102, theirs: 99.9 };
  const quick = { asked: 110, answered: 110.01, theirs: 109.505 };
  expect(behindBy([slow, quick])).toBeCloseTo(0.5, 6);
  expect(behindBy([{ asked: 5, answered: 5, theirs: 7 }])).toBe(-2);
});
