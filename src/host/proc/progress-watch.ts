/** Tells whether a value has stood still for `patience` ms. */
export class ProgressWatch {
  readonly #patienceMs: number;
  #last: string | undefined;
  #since = 0;

  constructor(patience: number) {
    this.#patienceMs = patience;
  }

  /** @param now in ms, of any monotonic clock */
  stands(done: string, now: number): boolean {
    if (done === this.#last) return now - this.#since >= this.#patienceMs;
    this.#last = done;
    this.#since = now;
    return false;
  }
}
