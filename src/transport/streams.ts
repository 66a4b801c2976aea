import { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Joins two two-way streams until both directions have ended. The end of one direction is handed on and leaves the
 * other open; an error or destroy of either destroys both and rejects.
 */
export async function joinStreams(a: Duplex, b: Duplex): Promise<void> {
  const both = [pipeline(a, b), pipeline(b, a)];
  try {
    await Promise.all(both);
  } catch (error) {
    a.destroy();
    b.destroy();
    await Promise.allSettled(both);
    throw error;
  }
}

/** Bytes that went through a counted stream so far, as its user sees the directions. */
export interface ByteCounter {
  sent: number;
  received: number;
}

/** The same stream, with its bytes counted. Use only what is returned from then on. */
export function counted(inner: Duplex, counter: ByteCounter): Duplex {
  return new CountedStream(inner, counter);
}

class CountedStream extends Duplex {
  readonly #inner: Duplex;
  readonly #counter: ByteCounter;

  constructor(inner: Duplex, counter: ByteCounter) {
    super({ allowHalfOpen: true });
    this.#inner = inner;
    this.#counter = counter;
    inner.on("data", (chunk: Buffer) => {
      counter.received += chunk.length;
      if (!this.push(chunk)) inner.pause();
    });
    inner.pause();
    inner.on("end", () => this.push(null));
    inner.on("error", (error) => this.destroy(error));
    // A stream that was destroyed without an error closes without an end: whoever reads here must see the same.
    inner.on("close", () => {
      if (!inner.readableEnded || !inner.writableFinished) this.destroy();
    });
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#counter.sent += chunk.length;
    this.#inner.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.destroy();
    done(error);
  }
}
