import type { Duplex, Readable } from "node:stream";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { WrappedStream } from "./wrapped-stream.ts";

/** What an idle limit saves up: enough to bridge a late timer, too little to be seen in an average of two seconds. */
const burstMs = 50;
/** Who waits looks so often whether the limit was changed. */
const longestWaitMs = 50;
/** Timers are coarse, and what is owed for less than this is paid together. */
const shortestWaitMs = 2;

/** Where a limit has its time from. `now` in ms, never jumping. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

export const realClock: Clock = { now: () => performance.now(), sleep: (ms) => sleep(ms) };

/** A token bucket that several streams share; it can be changed while they wait. */
export class RateLimit {
  /** null: unlimited. */
  bytesPerSecond: number | null;
  readonly #clock: Clock;
  /** Time that nothing was sent for and still counts, in ms: a change of the limit does not change its worth. */
  #savedMs = 0;
  #countedAt: number;
  #queue: Promise<void> | undefined;

  constructor(bytesPerSecond: number | null, clock: Clock = realClock) {
    this.bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#countedAt = clock.now();
  }

  /** Whether nothing has to wait. */
  get open(): boolean {
    return this.bytesPerSecond === null && this.#queue === undefined;
  }

  /** Resolves when so many bytes may go. First come, first served. */
  async take(bytes: number): Promise<void> {
    if (this.open) return;
    const turn = (this.#queue ?? Promise.resolve()).then(() => this.#pay(bytes));
    this.#queue = turn;
    await turn;
    if (this.#queue === turn) this.#queue = undefined;
  }

  /** In slices, so that a change of the limit counts for what is still owed. */
  async #pay(bytes: number): Promise<void> {
    let owed = bytes;
    this.#save(burstMs);
    for (;;) {
      const bytesPerMs = (this.bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1000;
      const owedMs = owed / bytesPerMs;
      const paidMs = Math.min(owedMs, this.#savedMs);
      this.#savedMs -= paidMs;
      if (paidMs === owedMs) return;
      owed -= paidMs * bytesPerMs;
      await this.#clock.sleep(Math.min(longestWaitMs, Math.max(shortestWaitMs, owedMs - paidMs)));
      // However late the timer was: that time was waited, and not idled away.
      this.#save(Number.POSITIVE_INFINITY);
    }
  }

  #save(mostMs: number): void {
    const now = this.#clock.now();
    const most = Math.max(this.#savedMs, mostMs);
    this.#savedMs = Math.min(this.#savedMs + now - this.#countedAt, most);
    this.#countedAt = now;
  }
}

/** The same stream, whose writes wait for the limit. Use only what is returned from then on. */
export function limited(inner: Duplex, rate: RateLimit): Duplex {
  return new WrappedStream(inner, { beforeWrite: beforeWrite(rate) });
}

/** What a stream asks before each write: undefined where nothing has to wait. */
export function beforeWrite(rate: RateLimit): (bytes: number) => Promise<void> | undefined {
  return (bytes) => (rate.open ? undefined : rate.take(bytes));
}

/** The bytes of a source at the pace of the limit; `sent` hears of each chunk that goes. An error of the source is one of it. */
export function limitedSource(source: Readable, rate: RateLimit, sent: (bytes: number) => void): Readable {
  const wait = beforeWrite(rate);
  const out = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const go = () => {
        sent(chunk.length);
        done(null, chunk);
      };
      const paid = wait(chunk.length);
      if (paid) paid.then(go, done);
      else go();
    },
  });
  source.once("error", (error) => out.destroy(error));
  out.once("close", () => source.destroy());
  return source.pipe(out);
}
