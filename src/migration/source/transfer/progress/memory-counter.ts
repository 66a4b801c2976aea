import type { ByteCounter } from "../../../../transport/streams/streams.ts";

/** Less than this says nothing about a link: it fits into the buffers on the way. */
const minBytes = 4 * 2 ** 20;

/** Counts the bytes of memory rounds into another counter too, and measures how fast they went. */
export class MemoryCounter implements ByteCounter {
  /** Bytes per second in the last round that was large enough to tell; null before. */
  bandwidth: number | null = null;
  readonly #all: ByteCounter;
  readonly #now: () => number;
  #round = 0;
  #begunAt = 0;

  /** `now` in ms. */
  constructor(all: ByteCounter, now: () => number = () => performance.now()) {
    this.#all = all;
    this.#now = now;
  }

  get received(): number {
    return this.#all.received;
  }

  set received(count: number) {
    this.#all.received = count;
  }

  get sent(): number {
    return this.#all.sent;
  }

  set sent(count: number) {
    this.#round += count - this.#all.sent;
    this.#all.sent = count;
  }

  beginRound(): void {
    this.#round = 0;
    this.#begunAt = this.#now();
  }

  /** The other side has all of it. */
  endRound(): void {
    const ms = this.#now() - this.#begunAt;
    if (this.#round >= minBytes && ms > 0) this.bandwidth = Math.round((this.#round / ms) * 1000);
  }
}
