/** Consecutive pages of one memory; `first` is a page's number, that is its address divided by the page size. */
export interface Run {
  first: number;
  count: number;
  /** Whether the program may run before they are there. */
  lazy: boolean;
}

/** Which pages a memory has: runs in rising order, none touching the next one of its kind. */
export class PageRuns implements Iterable<Run> {
  readonly #runs: Run[] = [];
  #pages = 0;

  /** @throws Error where the pages do not come after all others */
  add({ first, count, lazy }: Run): void {
    if (count <= 0) return;
    const last = this.#runs.at(-1);
    if (last && first < last.first + last.count) throw new Error(`page ${first.toString(16)} came out of order`);
    this.#pages += count;
    if (last && last.lazy === lazy && first === last.first + last.count) last.count += count;
    else this.#runs.push({ first, count, lazy });
  }

  get pages(): number {
    return this.#pages;
  }

  /** The runs from page `first` on, `count` pages, cut where the kind changes; undefined where one of them is missing. */
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

  /** The runs that `other` does not have at all. */
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

  /** Of the run that has the page, or of the first one behind it. */
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
