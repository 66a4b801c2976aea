import { EventEmitter, once } from "node:events";
import type { Duplex, Readable } from "node:stream";

/** Reads a stream in pieces of a known size. Nobody else may read from it. */
export class ExactReader {
  readonly #stream: Readable;
  readonly #wake = new EventEmitter();

  constructor(stream: Readable) {
    this.#stream = stream;
    // Listeners that stay: each new one of `readable` is called at once, and a loop of them would keep the rest of the program out.
    for (const event of ["readable", "end", "close", "error"]) stream.on(event, () => this.#wake.emit("wake"));
  }

  /** Just so many bytes; undefined where the stream ends before. One call at a time. */
  async read(bytes: number): Promise<Buffer | undefined> {
    for (;;) {
      const found = this.#stream.read(bytes) as Buffer | null;
      if (found) return found.length === bytes ? found : undefined;
      if (this.#stream.readableEnded || this.#stream.destroyed) return undefined;
      await once(this.#wake, "wake");
    }
  }
}

/** Returns when a writer may go on, or never can. */
export function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.writableNeedDrain || stream.destroyed) return resolve();
    const done = () => {
      for (const event of ["drain", "close"]) stream.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close"]) stream.on(event, done);
  });
}
