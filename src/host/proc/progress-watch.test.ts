import { expect, test } from "vitest";
import { ProgressWatch } from "./progress-watch.ts";

test("it is stuck when its value has not changed for the allowed time", () => {
  const watch = new ProgressWatch(30);
  expect(watch.stands("0", 0)).toBe(false);
  expect(watch.stands("0", 29)).toBe(false);
  expect(watch.stands("1", 30)).toBe(false);
  expect(watch.stands("1", 59)).toBe(false);
  expect(watch.stands("1", 60)).toBe(true);
});
