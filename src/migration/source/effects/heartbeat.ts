import { GodwitError } from "../../../contract/errors.ts";

/** How often the destination is asked, and how long it may be silent before the move is given up, in ms. */
interface Pace {
  everyMs: number;
  silenceMs: number;
}

/** Well within the time that a destination waits for a sign of its source. */
const whileRunning: Pace = { everyMs: 20_000, silenceMs: 100_000 };
/** The kernel reports a cut link only after a quarter of an hour. A container must not stand still for so long. */
const whileFrozen: Pace = { everyMs: 2_000, silenceMs: 20_000 };

/** Tells the destination that the migration is under way, however long one request of it takes, and hears whether it still answers. */
export class Heartbeat implements Disposable {
  /** Aborts with `transfer-failed` when the destination has been silent for too long, up to the offer of the baton. */
  readonly signal: AbortSignal;
  readonly #silent = new AbortController();
  readonly #ask: (timeoutMs: number) => Promise<unknown>;
  readonly #names: { container: string; destination: string };
  #timer: NodeJS.Timeout | undefined;

  constructor(ask: (timeoutMs: number) => Promise<unknown>, names: { container: string; destination: string }) {
    this.#ask = ask;
    this.#names = names;
    this.signal = this.#silent.signal;
  }

  start(): void {
    this.#beat(whileRunning);
  }

  /** From the freeze on. */
  hurry(): void {
    this.#beat(whileFrozen);
  }

  /** From the offer on: the baton decides, however long the destination is silent. */
  offered(): void {
    this.#beat({ ...whileRunning, silenceMs: Number.POSITIVE_INFINITY });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #beat({ everyMs, silenceMs }: Pace): void {
    clearInterval(this.#timer);
    // Counts questions, not time: if this machine stood still, the destination was not silent.
    let unanswered = 0;
    this.#timer = setInterval(() => {
      if (unanswered * everyMs >= silenceMs) {
        this[Symbol.dispose]();
        this.#silent.abort(this.#error(silenceMs));
        return;
      }
      unanswered += 1;
      const answered = () => {
        unanswered = 0;
      };
      // A failure is silence.
      this.#ask(everyMs).then(answered, () => {});
    }, everyMs).unref();
  }

  #error(silenceMs: number): GodwitError {
    const { container, destination } = this.#names;
    return new GodwitError(
      "transfer-failed",
      `${destination} has not answered for ${silenceMs / 1000} s, so that the move of '${container}' was given up.`,
      {
        hint: `The container keeps running where it was. Look at the link to ${destination} and at its agent: godwit doctor ${destination}`,
      },
    );
  }
}
