import { expect, test } from "vitest";
import { ProgressWatch } from "./stuck.ts";

test("something stands still when it has been the same for as long as it may", () => {
  const watch = new ProgressWatch(30);
  expect(watch.stands("0", 0)).toBe(false);
  expect(watch.stands("0", 29)).toBe(false);
  expect(watch.stands("1", 30)).toBe(false);
  expect(watch.stands("1", 59)).toBe(false);
  expect(watch.stands("1", 60)).toBe(true);
});
