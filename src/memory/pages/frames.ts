import type { PageRun } from "../../host/proc/page-run.ts";
import { pageBytes } from "../../host/proc/page-size.ts";

/**
 * The types of frames in which memory goes from host to host. A frame is a header of `headerBytes`. After the header of `pages`
 * follow the contents of `count` pages.
 * - From the source: `pages`; `zeros` is a run of pages that hold only zeros.
 * - In post-copy, from the destination (runtime/lazy-pages): `missing` is a run of pages that it lacks, and a connection begins with
 *   all of them; `want` is a page that a thread waits for; `arrived` confirms all frames up to `number`; `go` asks for all missing
 *   pages; `done` says that no page is missing.
 * - In rounds (runtime/memory), from the source: `object` declares shared memory of `first` bytes, whose name of `count` bytes follows;
 *   `hashes` says what pages must hold that have come, 8 bytes for each; `missing` is a run of pages that have changed and follow
 *   another way; `same` says that pages are those of the task `number`, at the same addresses (copy-on-write); `go` ends a
 *   round. From the destination: `done` says that the round is there.
 *
 * runtime/frames/frames.h is the same in C.
 */
export const frameTypes = [
  "pages",
  "zeros",
  "want",
  "arrived",
  "missing",
  "go",
  "done",
  "object",
  "hashes",
  "same",
] as const;
export type FrameType = (typeof frameTypes)[number];

export interface Frame extends PageRun {
  type: FrameType;
  /** The number of a frame of the source, from 1 on. */
  number: number;
}

export const headerBytes = 32;
/** The most pages that one frame carries. */
export const maxPages = 1024;

const nothing: PageRun = { task: 0, first: 0, count: 0 };

/** A header of `headerBytes`, all numbers big-endian. */
export function encodeFrame(type: FrameType, number: number, run: PageRun = nothing): Buffer {
  const header = Buffer.alloc(headerBytes);
  writeFrame(header, type, number, run);
  return header;
}

/** Writes a header into the first `headerBytes` of a buffer. */
export function writeFrame(header: Buffer, type: FrameType, number: number, run: PageRun): void {
  header.writeUInt32BE(frameTypes.indexOf(type), 0);
  header.writeUInt32BE(run.count, 4);
  header.writeBigUInt64BE(BigInt(run.task), 8);
  header.writeBigUInt64BE(BigInt(run.first), 16);
  header.writeBigUInt64BE(BigInt(number), 24);
}

/** Decodes the header of a frame. @throws Error where the bytes are no such header */
export function decodeFrame(header: Buffer): Frame {
  const type = frameTypes[header.readUInt32BE(0)];
  const count = header.readUInt32BE(4);
  if (!type || (type === "pages" && count > maxPages))
    throw new Error("the other side sent bytes that are no frame of pages");
  return {
    type,
    count,
    task: Number(header.readBigUInt64BE(8)),
    first: Number(header.readBigUInt64BE(16)),
    number: Number(header.readBigUInt64BE(24)),
  };
}

/** Cuts a run into runs of pages that hold only zeros, which get no `bytes`, and runs of other pages. */
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
  // The first word is compared first, because it decides for most pages.
  return bytes.readInt32LE(at) === 0 && bytes.compare(zeroPage, 0, pageBytes, at, at + pageBytes) === 0;
}
