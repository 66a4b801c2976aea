import type { OperationContext } from "../../../../operations/operation-context.ts";
import type { ByteCounter } from "../../../../transport/streams/streams.ts";
import type { ProgressMeter } from "./progress.ts";

/** Readers are promised two reports a second while bytes flow. */
const everyMs = 250;

/** What is about to be sent. */
export interface Transfer {
  phase: string;
  /** Which round of the phase; 1 by default. */
  iteration?: number;
  /** Bytes that are expected. */
  total: number;
}

/** Reports how far a migration is, by the bytes that its streams count. */
export class ProgressReports {
  readonly meter: ProgressMeter;
  readonly #context: Pick<OperationContext, "progress">;
  readonly #counter: Pick<ByteCounter, "sent" | "saved">;

  constructor(
    meter: ProgressMeter,
    context: Pick<OperationContext, "progress">,
    counter: Pick<ByteCounter, "sent" | "saved">,
  ) {
    this.meter = meter;
    this.#context = context;
    this.#counter = counter;
  }

  /** Reports while `work` sends, and once more when it has ended well: then nothing remains. */
  async during<T>({ phase, iteration = 1, total }: Transfer, work: () => Promise<T>): Promise<T> {
    const gone = () => this.#counter.sent + (this.#counter.saved ?? 0);
    const before = gone();
    const reached = () => ({ phase, iteration, total, transferred: gone() - before });
    const report = () => this.#context.progress(this.meter.at(reached(), performance.now()));
    report();
    const timer = setInterval(report, everyMs);
    try {
      const done = await work();
      this.#context.progress(this.meter.end(reached(), performance.now()));
      return done;
    } finally {
      clearInterval(timer);
    }
  }
}
