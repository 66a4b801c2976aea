import { expect, it } from "vitest";
import { mappingsIn } from "./huge-pages.ts";

it("finds the mappings that have huge pages", () => {
  const mapping = (addresses: string, huge: number) =>
    `${addresses} rw-p 00000000 00:00 0 [heap]\nSize:   4096 kB\nAnonHugePages:    ${String(huge).padStart(6)} kB\nVmFlags: rd wr hg\n`;
  const smaps = mapping("7f0000000000-7f0000400000", 2048) + mapping("7f0000400000-7f0000500000", 0);
  expect(mappingsIn(smaps + mapping("7f0001000000-7f0001001000", 4))).toEqual([
    { first: 0x7f0000000, count: 1024 },
    { first: 0x7f0001000, count: 1 },
  ]);
  expect(mappingsIn("")).toEqual([]);
});
