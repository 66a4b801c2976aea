/** Consecutive pages of one memory. */
export interface Run {
  /** Number of the first page: its address divided by the page size. */
  first: number;
  count: number;
  /** Whether the program may run before these pages are there. */
  lazy: boolean;
}

/** The pages that a memory has, as runs in rising order. Adjacent runs of the same kind are joined. */
export class PageRuns implements Iterable<Run> {
  readonly #runs: Run[] = [];
  #pages = 0;

  /** Appends pages. @throws Error where they do not lie behind all others */
  add({ first, count, lazy }: Run): void {
    if (count <= 0) return;
    const last = this.#runs.at(-1);
    if (last && first < last.first + last.count) throw new Error(`page ${first.toString(16)} came out of order`);
    this.#pages += count;
    if (last && last.lazy === lazy && first === last.first + last.count) last.count += count;
    else this.#runs.push({ first, count, lazy });
  }

  /** How many pages all runs have. */
  get pages(): number {
    return this.#pages;
  }

  /** The `count` pages from page `first` on, as runs of one kind each; undefined where a page is missing. */
  slice(first: number, count: number): Run[] | undefined {
    const end = first + count;
    const found: Run[] = [];
    let at = first;
    for (let i = this.#indexOf(first); at < end; i += 1) {
      const run = this.#runs[i];
      if (!run || run.first > at) return undefined;
      const upTo = Math.min(end, run.first + run.count);
      found.push({ first: at, count: upTo - at, lazy: run.lazy });
      at = upTo;
    }
    return found;
  }

  /** The pages that `other` lacks, as runs. */
  without(other: PageRuns): Run[] {
    const left: Run[] = [];
    let i = 0;
    for (const { first, count, lazy } of this.#runs) {
      let at = first;
      const end = first + count;
      for (; ; i += 1) {
        const taken = other.#runs[i];
        if (!taken || taken.first >= end) break;
        if (taken.first > at) left.push({ first: at, count: taken.first - at, lazy });
        at = Math.max(at, taken.first + taken.count);
        if (taken.first + taken.count > end) break;
      }
      if (at < end) left.push({ first: at, count: end - at, lazy });
    }
    return left;
  }

  [Symbol.iterator](): Iterator<Run> {
    return this.#runs[Symbol.iterator]();
  }

  /** Index of the run that has the page, or else of the first run behind it. */
  #indexOf(page: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const run = this.#runs[middle] as Run;
      if (run.first + run.count <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
