import { expect, test } from "vitest";
import { changedMemory, countMarks, dumpedMappings } from "./changed-memory.ts";

const entry = (upper: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(upper >>> 0, 4);
  return bytes;
};
const [present, swapped, file, changed] = [0x8000_0000, 0x4000_0000, 0x2000_0000, 0x0080_0000];

test("counts pages that are present and were written", () => {
  const entries = Buffer.concat(
    [present + changed, swapped + changed, changed, present, present + file + changed, 0].map(entry),
  );
  expect(countMarks(entries, false)).toBe(2);
  expect(countMarks(entries, true)).toBe(3);
});

test("counts mappings that CRIU dumps: private memory, and shared memory without a file", () => {
  const maps = [
    "00400000-00401000 r-xp 00000000 fe:00 11 /bin/program",
    "7f0000000000-7f0000002000 rw-p 00000000 00:00 0 ",
    "7f0000010000-7f0000011000 rw-s 00000000 00:01 12 /dev/zero (deleted)",
    "7f0000020000-7f0000021000 rw-s 00000000 fe:00 13 /data/a file",
    "7f0000030000-7f0040030000 ---p 00000000 00:00 0 ",
    "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]",
    "7ffc00100000-7ffc00104000 r--p 00000000 00:00 0 [vvar]",
    "",
  ].join("\n");
  expect(dumpedMappings(maps).map(({ start, shared }) => [start.toString(16), shared])).toEqual([
    ["400000", false],
    ["7f0000000000", false],
    ["7f0000010000", true],
    ["7ffc00000000", false],
  ]);
});

test("an ended process counts as no changed memory", async () => {
  expect(await changedMemory([0x7fff_fff0])).toBe(0);
});
