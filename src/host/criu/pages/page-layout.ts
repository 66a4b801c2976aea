import type { PageRuns, Run } from "./page-runs.ts";
import { type PagemapEntry, pageFlags } from "./pagemap-image.ts";

/** CRIU counts the bytes of a lazy entry in 31 bits. CRIU before 4.2 counts the pages of every entry in 32 bits. */
const maxLazyPages = 16 * 1024;
const maxPages = 2 ** 28;

/**
 * The pagemap of a file in which each page lies at its own address. `lazyOrders` reads it to find the lazy pages. A pagemap stores
 * the contents of present pages one after another, without gaps. So everything else in the file counts as present too: holes, and
 * pages that are not lazy.
 */
export function* flatEntries(runs: PageRuns): Generator<PagemapEntry> {
  let at = 0;
  for (const { first, count, lazy } of runs) {
    yield* pieces({ first: at, count: first - at }, pageFlags.present, maxPages);
    if (lazy) yield* pieces({ first, count }, pageFlags.present | pageFlags.lazy, maxLazyPages);
    else yield* pieces({ first, count }, pageFlags.present, maxPages);
    at = first + count;
  }
}

/** The pagemap for CRIU's restore. Its parent is the pagemap of `flatEntries`. Without `lazy`, CRIU restores all pages at once. */
export function* topEntries(runs: PageRuns, lazy: boolean): Generator<PagemapEntry> {
  for (const run of runs) {
    if (lazy && run.lazy) yield* pieces(run, pageFlags.lazy, maxLazyPages);
    else yield* pieces(run, pageFlags.parent, maxPages);
  }
}

function* pieces({ first, count }: Pick<Run, "first" | "count">, flags: number, max: number): Generator<PagemapEntry> {
  for (let at = 0; at < count; at += max) yield { first: first + at, count: Math.min(max, count - at), flags };
}
