import type { PageRun } from "../../host/proc/page-run.ts";

const waits = 0;
const taken = 1;

interface Extent {
  task: number;
  first: number;
  /** Its index among all extents. */
  index: number;
  /** `waits` or `taken`, for each page. */
  states: Uint8Array;
}

/** The pages of the frozen original that are still to be sent. */
export class UnsentPages {
  readonly #tasks = new Map<number, Extent[]>();
  readonly #order: Extent[] = [];
  /** How many pages are not taken yet. */
  #left = 0;
  /** Where `next` goes on: the index of an extent, and of a page in it. */
  #at = 0;
  #page = 0;

  /** Adds pages. The pages of one task must come in rising order. */
  add({ task, first, count }: PageRun): void {
    const extents = this.#tasks.get(task) ?? [];
    const extent = { task, first, index: this.#order.length, states: new Uint8Array(count) };
    extents.push(extent);
    this.#tasks.set(task, extents);
    this.#order.push(extent);
    this.#left += count;
  }

  /** Takes the next pages in order, at most `max`. After the last page it starts again at the first. Undefined when none is left. */
  next(max: number): PageRun | undefined {
    if (this.#left === 0) return undefined;
    for (;;) {
      const extent = this.#order[this.#at] as Extent;
      const { states } = extent;
      while (this.#page < states.length && states[this.#page] === taken) this.#page += 1;
      const from = this.#page;
      while (this.#page < states.length && this.#page - from < max && states[this.#page] === waits) this.#page += 1;
      const count = this.#page - from;
      if (count > 0) {
        states.fill(taken, from, this.#page);
        this.#left -= count;
        return { task: extent.task, first: extent.first + from, count };
      }
      this.#at = (this.#at + 1) % this.#order.length;
      this.#page = 0;
    }
  }

  /** Takes a page that a thread waits for. `next` goes on behind it. Undefined where the page was taken before. */
  take({ task, first }: PageRun): PageRun | undefined {
    const extent = this.#find(task, first);
    const page = extent ? first - extent.first : 0;
    if (extent?.states[page] !== waits) return undefined;
    extent.states[page] = taken;
    this.#left -= 1;
    this.#at = extent.index;
    this.#page = page;
    return { task, first, count: 1 };
  }

  #find(task: number, page: number): Extent | undefined {
    const extents = this.#tasks.get(task) ?? [];
    let low = 0;
    let high = extents.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const extent = extents[middle] as Extent;
      if (page < extent.first) high = middle - 1;
      else if (page >= extent.first + extent.states.length) low = middle + 1;
      else return extent;
    }
    return undefined;
  }
}
