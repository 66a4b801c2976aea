import { type Readable, Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/** Time that an idle limit saves up: enough to make up for a late timer, too little to show in an average of two seconds. */
const burstMs = 50;
/** A waiting stream checks this often whether the limit was changed. */
const longestWaitMs = 50;
/** Timers are coarse: a shorter wait is added to the next one. */
const shortestWaitMs = 2;

/** The time source of a limit. `now` is in ms and never jumps. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

export const realClock: Clock = { now: () => performance.now(), sleep: (ms) => sleep(ms) };

/** A token bucket that several streams share. Its rate can be changed while they wait. */
export class RateLimit {
  /** null: unlimited. */
  bytesPerSecond: number | null;
  readonly #clock: Clock;
  /** Unused time in ms, not bytes: a change of the rate leaves it as it is. */
  #savedMs = 0;
  #countedAt: number;
  #queue: Promise<void> | undefined;

  constructor(bytesPerSecond: number | null, clock: Clock = realClock) {
    this.bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#countedAt = clock.now();
  }

  /** Whether no write has to wait. */
  get open(): boolean {
    return this.bytesPerSecond === null && this.#queue === undefined;
  }

  /** Resolves when `bytes` may be sent. First come, first served. */
  async take(bytes: number): Promise<void> {
    if (this.open) return;
    const turn = (this.#queue ?? Promise.resolve()).then(() => this.#pay(bytes));
    this.#queue = turn;
    await turn;
    if (this.#queue === turn) this.#queue = undefined;
  }

  /** Waits in slices, so that a change of the rate counts for the bytes that still wait. */
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
      // A timer that fires late has waited longer: all of that time counts.
      this.#save(Number.POSITIVE_INFINITY);
    }
  }

  #save(maxMs: number): void {
    const now = this.#clock.now();
    const most = Math.max(this.#savedMs, maxMs);
    this.#savedMs = Math.min(this.#savedMs + now - this.#countedAt, most);
    this.#countedAt = now;
  }
}

/** For a stream to call before each write: a promise to wait for, or undefined where it need not wait. */
export function beforeWrite(rate: RateLimit): (bytes: number) => Promise<void> | undefined {
  return (bytes) => (rate.open ? undefined : rate.take(bytes));
}

/**
 * The bytes of `source` at the rate of the limit. Calls `sent` with the size of each chunk as it goes. An error of the
 * source destroys the returned stream with it, and a destroy of the returned stream destroys the source.
 */
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
