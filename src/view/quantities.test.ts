import { expect, test } from "vitest";
import { parseCompression, parseDuration, parseRate } from "./quantities.ts";

test.each([
  ["300ms", 300],
  ["2s", 2000],
  ["1.5s", 1500],
  ["2 min", 120_000],
  ["1h", 3_600_000],
])("the duration %s", (text, ms) => {
  expect(parseDuration("--downtime-limit", text)).toBe(ms);
});

test.each([
  ["400mbit", 50_000_000],
  ["400Mbit/s", 50_000_000],
  ["1gbit", 125_000_000],
  ["1Gbps", undefined],
  ["8000kbit", 1_000_000],
  ["50MB/s", 50_000_000],
  ["50mbyte", 50_000_000],
  ["50MB", 50_000_000],
  ["1.5MiB/s", 1_572_864],
  ["unlimited", null],
  ["Unlimited", null],
  ["50mb", undefined],
  ["50Mb/s", undefined],
  ["50 parsecs", undefined],
])("the rate %s", (text, bytes) => {
  if (bytes === undefined) expect(() => parseRate("--bandwidth", text)).toThrow(/does not know the unit/);
  else expect(parseRate("--bandwidth", text)).toBe(bytes);
});

function refused(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    return error;
  }
}

test("a value without a unit, or out of range, is refused with a sentence", () => {
  expect(refused(() => parseDuration("--downtime-limit", "300"))).toMatchObject({
    code: "usage",
    message: "--downtime-limit 300 has no unit.",
    hint: "Write a time with its unit, such as 300ms or 2s.",
  });
  expect(refused(() => parseRate("--bandwidth", "400"))).toMatchObject({
    code: "usage",
    message: "--bandwidth 400 has no unit.",
    hint: expect.stringContaining("400mbit"),
  });
  for (const text of ["", "-1mbit", "fast", "NaNmbit"]) {
    expect(refused(() => parseRate("--bandwidth", text))).toMatchObject({
      message: `--bandwidth does not understand '${text}'.`,
    });
  }
  for (const text of ["0mbit", "999kbit", "2tbit"]) {
    expect(refused(() => parseRate("--bandwidth", text))).toMatchObject({
      message: `--bandwidth ${text} is out of range: it goes from 1mbit to 1000gbit.`,
    });
  }
  for (const text of ["0ms", "0.5ms", "2h"]) {
    expect(refused(() => parseDuration("--downtime-limit", text))).toMatchObject({
      message: `--downtime-limit ${text} is out of range: it goes from 1ms to 1h.`,
    });
  }
});

test("a compression is auto, off, or a level", () => {
  expect(["auto", "off", "1", "19"].map((text) => parseCompression("--compress", text))).toEqual([
    "auto",
    "off",
    1,
    19,
  ]);
  for (const text of ["0", "20", "best", "1.5", "-1", ""])
    expect(refused(() => parseCompression("--compress", text))).toMatchObject({
      code: "usage",
      message: `--compress must be auto, off, or a level from 1 to 19, not '${text}'.`,
    });
});
