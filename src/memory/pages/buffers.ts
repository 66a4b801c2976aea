/** Buffers that are used again, because their garbage collection would take much of the agent's time. */
export class BufferPool {
  readonly #bytes: number;
  readonly #free: ArrayBufferLike[] = [];

  /** `bytes` is the size of the largest buffer that `take` may give. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** A buffer with arbitrary contents. A small one is new, because it is not worth keeping. */
  take(bytes: number): Buffer {
    if (bytes < this.#bytes / 8) return Buffer.allocUnsafe(bytes);
    return Buffer.from(this.#free.pop() ?? new ArrayBuffer(this.#bytes), 0, bytes);
  }

  /** Gives back a buffer of `take` that nothing uses any more. */
  free(buffer: Buffer): void {
    if (buffer.buffer.byteLength === this.#bytes) this.#free.push(buffer.buffer);
  }
}
