import { expect, test } from "vitest";
import { isSame, joined } from "./lineage.ts";

test("ids of one container belong together over any number of moves; those of another container do not", () => {
  let groups = joined([], "a", "b");
  groups = joined(groups, "x", "y");
  groups = joined(groups, "b", "c");
  for (const id of ["a", "b", "c"]) expect(isSame(groups, "a", id)).toBe(true);
  expect(isSame(groups, "x", "y")).toBe(true);
  expect(isSame(groups, "a", "x")).toBe(false);
  expect(isSame([], "a", "a")).toBe(true);
  groups = joined(groups, "c", "x");
  expect(groups).toHaveLength(1);
  expect(isSame(groups, "y", "a")).toBe(true);
});
