import { Duplex } from "node:stream";

export interface StreamHooks {
  onRead?: (bytes: number) => void;
  onWrite?: (bytes: number) => void;
  /** A write waits for the promise that this returns, and does not wait for undefined. */
  beforeWrite?: (bytes: number) => Promise<void> | undefined;
  /** Called when the stream is destroyed before both directions have ended. */
  onAbort?: () => void;
}

/** A two-way stream in front of another one. Nothing else may use the inner one any more. */
export class WrappedStream extends Duplex {
  readonly #inner: Duplex;
  readonly #hooks: StreamHooks;

  constructor(inner: Duplex, hooks: StreamHooks) {
    super({ allowHalfOpen: true });
    this.#inner = inner;
    this.#hooks = hooks;
    inner.on("data", (chunk: Buffer) => {
      hooks.onRead?.(chunk.length);
      if (!this.push(chunk)) inner.pause();
    });
    inner.pause();
    inner.on("end", () => this.push(null));
    inner.on("error", (error) => this.destroy(error));
    // A stream that is destroyed without an error closes without an end. The reader of this stream must see the same.
    inner.on("close", () => {
      if (!inner.readableEnded || !inner.writableFinished) this.destroy();
    });
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const write = () => {
      if (this.destroyed) return done();
      this.#hooks.onWrite?.(chunk.length);
      this.#inner.write(chunk, encoding, done);
    };
    const wait = this.#hooks.beforeWrite?.(chunk.length);
    if (wait) wait.then(write, done);
    else write();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.readableEnded || !this.writableFinished) this.#hooks.onAbort?.();
    this.#inner.destroy();
    done(error);
  }
}
