import { expect, test } from "vitest";
import { bar, formatDuration, inMs, table } from "./format.ts";

test.each([
  [0, "0 ms"],
  [0.42, "0.4 ms"],
  [9.96, "10 ms"],
  [412.4, "412 ms"],
  [999.7, "1 s"],
  [3210, "3.2 s"],
  [59_999, "1 min"],
  [125_000, "2 min 5 s"],
  [3_780_000, "1 h 3 min"],
])("%d ms are %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("durations that are compared have one unit", () => {
  expect([0.42, 9.96, 411.6, 1411.6, 65_000].map(inMs)).toEqual(["0.4 ms", "10 ms", "412 ms", "1412 ms", "65000 ms"]);
});

test("a table is as wide as its cells, and has no blanks at the end", () => {
  expect(
    table(
      [
        ["a", "bb", "c"],
        ["aaa", "b", ""],
      ],
      [1],
    ),
  ).toEqual(["a    bb  c", "aaa   b"]);
});

test("a bar stays in its bounds", () => {
  expect([bar(0.5, 4), bar(2, 4), bar(-1, 4)]).toEqual(["[##--]", "[####]", "[----]"]);
});
