import { expect, test } from "vitest";
import { sharedLayers } from "./image-layers.ts";

test.each([
  [[], ["a"], 0],
  [["a", "b"], ["a", "b", "c"], 2],
  [["a", "b", "c"], ["a", "x", "c"], 1],
  [["b"], ["a", "b"], 0],
])("%j and %j have %d layers in common", (one, other, count) => {
  expect(sharedLayers(one, other)).toBe(count);
});
