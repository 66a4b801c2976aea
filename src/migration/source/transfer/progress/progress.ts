import type { Progress } from "../../../../contract/operations.ts";

/** A bandwidth is that of about the last second. */
const windowMs = 1000;
/** Less time than this says nothing about a bandwidth. */
const minMs = 50;

/** Longer forecasts are not reported. */
const longestForecastMs = 24 * 3_600_000;
/** Bytes per second. Below this the stream waits for something, and says nothing about the link. */
const slowestLink = 500;

/** How far a phase is. */
export interface Reached {
  phase: string;
  /** Which round of the phase, from 1. */
  iteration: number;
  /** Bytes that are expected in all. */
  total: number;
  /** Bytes that have gone since the phase or iteration began. */
  transferred: number;
}

/** Makes progress reports of byte counts. Times in ms of the caller's clock. */
export class ProgressMeter {
  /** Bytes per second that the container writes anew; null where nobody looks. */
  dirtyRate: number | null = null;
  /** In ms, if the switchover came now. */
  expectedDowntime: number | null = null;
  readonly #begunAt: number;
  #now = { phase: "", iteration: 0 };
  #samples: { at: number; bytes: number }[] = [];
  #bandwidth: number | null = null;

  /** `begunAt`: when the operation began. */
  constructor(begunAt: number) {
    this.#begunAt = begunAt;
  }

  at(reached: Reached, now: number): Progress {
    const { phase, iteration, transferred } = reached;
    if (phase !== this.#now.phase || iteration !== this.#now.iteration) {
      // Another round goes over the same link; another phase may not.
      if (phase !== this.#now.phase) this.#bandwidth = null;
      this.#now = { phase, iteration };
      this.#samples = [];
    }
    this.#measure(transferred, now);
    const total = Math.max(reached.total, transferred);
    const left = total - transferred;
    const bandwidth = this.#bandwidth;
    return {
      phase,
      iteration,
      bytesTotal: total,
      bytesTransferred: transferred,
      bytesRemaining: left,
      dirtyRate: this.dirtyRate,
      bandwidth,
      expectedDowntime: this.expectedDowntime,
      elapsed: Math.round(now - this.#begunAt),
      remaining: remainingMs(left, bandwidth),
    };
  }

  /** The last report of a phase or iteration: what was expected and did not have to go is not waited for any more. */
  end(reached: Reached, now: number): Progress {
    return this.at({ ...reached, total: reached.transferred }, now);
  }

  #measure(bytes: number, at: number): void {
    // Rounds of files have one iteration.
    if (bytes < (this.#samples.at(-1)?.bytes ?? 0)) this.#samples = [];
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) <= at - windowMs) this.#samples.shift();
    const first = this.#samples[0];
    if (first && at - first.at >= minMs) {
      this.#bandwidth = Math.round(((bytes - first.bytes) / (at - first.at)) * 1000);
    }
  }
}

function remainingMs(bytes: number, bandwidth: number | null): number | null {
  if (bytes === 0) return 0;
  const ms = bandwidth && bandwidth >= slowestLink ? Math.round((bytes / bandwidth) * 1000) : Number.POSITIVE_INFINITY;
  return ms < longestForecastMs ? ms : null;
}
