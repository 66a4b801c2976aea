import type { PageRun } from "../../host/proc/page-run.ts";
import { pageBytes } from "../../host/proc/page-size.ts";

/**
 * What the two ends of a post-copy say to each other, each word a header of `headerBytes` and, after `pages`, so many pages.
 * Source: `pages`, `zeros` (a run of pages that hold nothing but zeros). Destination, whose end is runtime/lazy-pages:
 * `missing` (it lacks these pages; all of them are told at the begin of a connection), `want` (a thread waits for this page),
 * `arrived` (all frames up to this `number` have), `go` (send all that is missing), `done` (nothing is).
 * The same in C: runtime/lazy-pages/frames.h.
 */
export const frameTypes = ["pages", "zeros", "want", "arrived", "missing", "go", "done"] as const;
export type FrameType = (typeof frameTypes)[number];

export interface Frame extends PageRun {
  type: FrameType;
  number: number;
}

export const headerBytes = 32;
/** A frame carries at most so many pages. */
export const maxPages = 1024;

const nothing: PageRun = { task: 0, first: 0, count: 0 };

export function encodeFrame(type: FrameType, number: number, run: PageRun = nothing): Buffer {
  const header = Buffer.alloc(headerBytes);
  writeFrame(header, type, number, run);
  return header;
}

/** Into the first `headerBytes` of a buffer. */
export function writeFrame(header: Buffer, type: FrameType, number: number, run: PageRun): void {
  header.writeUInt32BE(frameTypes.indexOf(type), 0);
  header.writeUInt32BE(run.count, 4);
  header.writeBigUInt64BE(BigInt(run.task), 8);
  header.writeBigUInt64BE(BigInt(run.first), 16);
  header.writeBigUInt64BE(BigInt(number), 24);
}

/** @throws Error where the bytes are no frame */
export function decodeFrame(header: Buffer): Frame {
  const type = frameTypes[header.readUInt32BE(0)];
  const count = header.readUInt32BE(4);
  if (!type || (type === "pages" && count > maxPages)) throw new Error("the other side does not speak of pages");
  return {
    type,
    count,
    task: Number(header.readBigUInt64BE(8)),
    first: Number(header.readBigUInt64BE(16)),
    number: Number(header.readBigUInt64BE(24)),
  };
}

/** Cuts the bytes of a run into runs that hold nothing but zeros, and others. */
export function cutZeros(run: PageRun, bytes: Buffer): { run: PageRun; bytes: Buffer | undefined }[] {
  const parts: { run: PageRun; bytes: Buffer | undefined }[] = [];
  let from = 0;
  let zeros = isZero(bytes, 0);
  for (let page = 1; page <= run.count; page += 1) {
    const next = page < run.count ? isZero(bytes, page) : !zeros;
    if (next === zeros) continue;
    parts.push({
      run: { task: run.task, first: run.first + from, count: page - from },
      bytes: zeros ? undefined : bytes.subarray(from * pageBytes, page * pageBytes),
    });
    from = page;
    zeros = next;
  }
  return parts;
}

const zeroPage = Buffer.alloc(pageBytes);

function isZero(bytes: Buffer, page: number): boolean {
  const at = page * pageBytes;
  // Most pages show it in their first word.
  return bytes.readInt32LE(at) === 0 && bytes.compare(zeroPage, 0, pageBytes, at, at + pageBytes) === 0;
}
