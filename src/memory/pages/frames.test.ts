import { describe, expect, it } from "vitest";
import { pageBytes } from "../../host/proc/page-size.ts";
import { cutZeros } from "./frames.ts";

/** What a page of a task holds; every seventh holds zeros. */
function content(task: number, page: number): Buffer {
  const bytes = Buffer.alloc(pageBytes);
  if (page % 7 === 0) return bytes;
  bytes.writeUInt32LE(task * 1_000_003 + page, 4);
  return bytes;
}

describe("cutZeros", () => {
  it("keeps every page, and finds those of zeros", () => {
    const run = { task: 1, first: 5, count: 30 };
    const bytes = Buffer.concat(Array.from({ length: 30 }, (_, i) => content(1, 5 + i)));
    const parts = cutZeros(run, bytes);
    expect(parts.map((part) => [part.run.first, part.run.count, part.bytes === undefined])).toEqual([
      [5, 2, false],
      [7, 1, true],
      [8, 6, false],
      [14, 1, true],
      [15, 6, false],
      [21, 1, true],
      [22, 6, false],
      [28, 1, true],
      [29, 6, false],
    ]);
    expect(
      Buffer.concat(parts.map((part) => part.bytes ?? Buffer.alloc(part.run.count * pageBytes))).equals(bytes),
    ).toBe(true);
  });
});
