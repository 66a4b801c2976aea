import { expect, test } from "vitest";
import { bar, formatBytes, formatDuration, table } from "./format.ts";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [104_857_600, "100 MiB"],
  [1_073_741_823, "1 GiB"],
  [12_884_901_888, "12 GiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

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
