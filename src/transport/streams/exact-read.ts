import type { Duplex, Readable } from "node:stream";

/** The stream is paused when more than this waits here beyond the bytes asked for. */
const aheadBytes = 256 * 1024;

/** Reads a stream in pieces of a known size. Nothing else may read from it. */
export class ExactReader {
  readonly #stream: Readable;
  #chunks: Buffer[] = [];
  #queued = 0;
  #ended = false;
  #waiting: { bytes: number; resolve: () => void } | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#queued += chunk.length;
      if (this.#queued > aheadBytes + (this.#waiting?.bytes ?? 0)) stream.pause();
      if (this.#waiting && this.#queued >= this.#waiting.bytes) this.#wake();
    });
    for (const event of ["end", "close", "error"])
      stream.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
  }

  /** Exactly `bytes` bytes; undefined if the stream ends before. One call at a time. */
  async read(bytes: number): Promise<Buffer | undefined> {
    if (this.#queued < bytes && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#waiting = { bytes, resolve };
        this.#stream.resume();
      });
    }
    if (this.#queued < bytes) return undefined;
    const parts: Buffer[] = [];
    let left = bytes;
    while (left > 0) {
      const first = this.#chunks[0] as Buffer;
      if (first.length > left) {
        parts.push(first.subarray(0, left));
        this.#chunks[0] = first.subarray(left);
        break;
      }
      parts.push(first);
      this.#chunks.shift();
      left -= first.length;
    }
    this.#queued -= bytes;
    if (this.#queued <= aheadBytes && this.#stream.isPaused()) this.#stream.resume();
    return parts.length === 1 ? parts[0] : Buffer.concat(parts, bytes);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }
}

/** Resolves when the stream takes more bytes, or is closed and never will. */
export function untilWritable(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.writableNeedDrain || stream.destroyed) return resolve();
    const done = () => {
      for (const event of ["drain", "close"]) stream.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close"]) stream.on(event, done);
  });
}
