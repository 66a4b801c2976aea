/** Buffers that are used again: collecting them as garbage would take a good part of an agent's time. */
export class BufferPool {
  readonly #bytes: number;
  readonly #free: ArrayBufferLike[] = [];

  /** `bytes` of the largest buffer that will be asked for. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** Its contents are what they were. Small ones are not worth keeping. */
  take(bytes: number): Buffer {
    if (bytes < this.#bytes / 8) return Buffer.allocUnsafe(bytes);
    return Buffer.from(this.#free.pop() ?? new ArrayBuffer(this.#bytes), 0, bytes);
  }

  /** One that was taken, and that nobody looks at any more. */
  free(buffer: Buffer): void {
    if (buffer.buffer.byteLength === this.#bytes) this.#free.push(buffer.buffer);
  }
}
