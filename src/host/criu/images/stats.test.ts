import { expect, test } from "vitest";
import { parseDumpStats, parseRestoreStats } from "./stats.ts";

const image = (message: number[]) => {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0x55105940, 0);
  head.writeUInt32LE(0x57093306, 4);
  head.writeUInt32LE(message.length, 8);
  return Buffer.concat([head, Buffer.from(message)]);
};
/** Of a dump: freezing 1000 us, frozen 300 us, 2 and 3 us, 51 pages scanned, 1 unchanged, 35 written, 20 lazy. */
const dump = [0x08, 0xe8, 0x07, 0x10, 0xac, 0x02, 0x18, 2, 0x20, 3, 0x28, 51, 0x30, 1, 0x38, 35, 0x48, 20];
const dumped = image([0x0a, dump.length, ...dump]);

test("statistics of a dump and a restore, in ms and pages", () => {
  expect(parseDumpStats(dumped)).toEqual({
    ...{ freezingMs: 1, frozenMs: 0.3, memoryDumpMs: 0.002, memoryWriteMs: 0.003 },
    ...{ pagesScanned: 51, pagesSkippedParent: 1, pagesWritten: 35, pagesLazy: 20 },
  });
  const restored = image([0x12, 11, 0x08, 5, 0x10, 0, 0x18, 2, 0x20, 0xac, 0x02, 0x28, 12]);
  expect(parseRestoreStats(restored)).toEqual({
    forkingMs: 0.002,
    restoreMs: 0.3,
    pagesRestored: 12,
    pagesCompared: 5,
  });
});

test("statistics of a dump whose pages CRIU serves are not used: they say seven minutes", () => {
  const lazy = [
    0x08, 0x00, 0x10, 0xba, 0x8a, 0xa0, 0xbe, 0x01, 0x18, 0x00, 0x20, 0x00, 0x28, 0x00, 0x38, 0x00, 0x48, 0,
  ];
  expect(parseDumpStats(image([0x0a, lazy.length, ...lazy]))).toBeNull();
});

test("a missing, truncated or foreign image has no statistics", () => {
  expect(parseDumpStats(Buffer.alloc(0))).toBeNull();
  expect(parseDumpStats(dumped.subarray(0, -1))).toBeNull();
  expect(parseRestoreStats(dumped)).toBeNull();
  expect(parseDumpStats(Buffer.from(dumped).fill(0, 0, 4))).toBeNull();
});
