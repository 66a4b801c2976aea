import type { PageRun } from "../../host/criu/page-protocol.ts";

const underWay = 0xffff_ffff;

interface Extent {
  task: number;
  first: number;
  /** Its place among all. */
  index: number;
  /** By page: 0 while it waits, `underWay`, or the number of the frame that it was sent with. */
  sent: Uint32Array;
}

/** Which pages of the frozen original have been sent, and with which frame. */
export class UnsentPages {
  readonly #tasks = new Map<number, Extent[]>();
  readonly #order: Extent[] = [];
  /** Pages that nobody has taken yet. */
  #left: number;
  /** Where the next ones are looked for: which extent, and which page of it. */
  #at = 0;
  #page = 0;

  /** `runs` in the order in which they shall be sent; those of one task rise. */
  constructor(runs: readonly PageRun[]) {
    let total = 0;
    for (const { task, first, count } of runs) {
      const extent = { task, first, index: this.#order.length, sent: new Uint32Array(count) };
      const extents = this.#tasks.get(task) ?? [];
      extents.push(extent);
      this.#tasks.set(task, extents);
      this.#order.push(extent);
      total += count;
    }
    this.#left = total;
  }

  /** The next pages in order that nobody has taken, now taken; after the last come the first. Undefined when there are none. */
  next(most: number): PageRun | undefined {
    if (this.#left === 0) return undefined;
    for (;;) {
      const extent = this.#order[this.#at] as Extent;
      const { sent } = extent;
      while (this.#page < sent.length && sent[this.#page] !== 0) this.#page += 1;
      const from = this.#page;
      while (this.#page < sent.length && this.#page - from < most && sent[this.#page] === 0) this.#page += 1;
      const count = this.#page - from;
      if (count > 0) {
        sent.fill(underWay, from, this.#page);
        this.#left -= count;
        return { task: extent.task, first: extent.first + from, count };
      }
      this.#at = (this.#at + 1) % this.#order.length;
      this.#page = 0;
    }
  }

  /** Goes on from this page. */
  seek({ task, first }: PageRun): void {
    const extent = this.#find(task, first);
    if (!extent) return;
    this.#at = extent.index;
    this.#page = first - extent.first;
  }

  /**
   * The part of an urgent wish that must be sent, now taken: what waits, and what was sent with a frame up to `arrived` and so
   * has been used up there. The rest is on its way. Pages that this container never had are left out.
   */
  take({ task, first, count }: PageRun, arrived: number): PageRun[] {
    const runs: PageRun[] = [];
    let open: PageRun | undefined;
    for (let page = first; page < first + count; page += 1) {
      const extent = this.#find(task, page);
      const state = extent?.sent[page - extent.first];
      const wanted = state !== undefined && state !== underWay && state <= arrived;
      if (!extent || !wanted) {
        open = undefined;
        continue;
      }
      extent.sent[page - extent.first] = underWay;
      if (state === 0) this.#left -= 1;
      // A run must not go across a hole, however small.
      if (open && page !== extent.first) open.count += 1;
      else {
        open = { task, first: page, count: 1 };
        runs.push(open);
      }
    }
    return runs;
  }

  sent({ task, first, count }: PageRun, frame: number): void {
    const extent = this.#find(task, first);
    extent?.sent.fill(frame, first - extent.first, first - extent.first + count);
  }

  #find(task: number, page: number): Extent | undefined {
    const extents = this.#tasks.get(task) ?? [];
    let low = 0;
    let high = extents.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const extent = extents[middle] as Extent;
      if (page < extent.first) high = middle - 1;
      else if (page >= extent.first + extent.sent.length) low = middle + 1;
      else return extent;
    }
    return undefined;
  }
}
