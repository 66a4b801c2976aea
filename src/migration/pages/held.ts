import type { PageRun } from "../../host/criu/page-protocol.ts";
import { pageBytes } from "../../host/criu/page-size.ts";

interface Chunk extends PageRun {
  /** The contents, as they came; undefined for pages of zeros. */
  parts: Buffer[] | undefined;
}

/** Pages that have arrived and that nobody has asked for yet. */
export class HeldPages {
  readonly #tasks = new Map<number, Map<number, Chunk>>();
  /** Bytes held; pages of zeros cost nothing. */
  bytes = 0;

  add(run: PageRun, parts: Buffer[] | undefined): void {
    const pages = this.#tasks.get(run.task) ?? new Map<number, Chunk>();
    this.#tasks.set(run.task, pages);
    const chunk = { ...run, parts };
    for (let page = run.first; page < run.first + run.count; page += 1) {
      this.#forget(pages, page);
      pages.set(page, chunk);
    }
    if (parts) this.bytes += run.count * pageBytes;
  }

  has(task: number, page: number): boolean {
    return this.#tasks.get(task)?.has(page) ?? false;
  }

  /** The pages from `first` on without a gap, at most `count`, which are held no longer. */
  take({ task, first, count }: PageRun): { count: number; parts: Buffer[] } {
    const pages = this.#tasks.get(task);
    const parts: Buffer[] = [];
    let page = first;
    while (pages && page < first + count) {
      const chunk = pages.get(page);
      if (!chunk) break;
      const from = page;
      while (page < first + count && pages.get(page) === chunk) {
        this.#forget(pages, page);
        page += 1;
      }
      const length = (page - from) * pageBytes;
      if (chunk.parts) parts.push(...slice(chunk.parts, (from - chunk.first) * pageBytes, length));
      else parts.push(Buffer.alloc(length));
    }
    return { count: page - first, parts };
  }

  #forget(pages: Map<number, Chunk>, page: number): void {
    const chunk = pages.get(page);
    if (!chunk) return;
    pages.delete(page);
    if (chunk.parts) this.bytes -= pageBytes;
  }
}

function slice(parts: Buffer[], from: number, length: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  for (const part of parts) {
    const begin = Math.max(from - at, 0);
    const end = Math.min(from + length - at, part.length);
    if (begin < end) found.push(part.subarray(begin, end));
    at += part.length;
  }
  return found;
}
