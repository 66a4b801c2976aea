import type { PageRuns, Run } from "./page-runs.ts";
import { type PagemapEntry, pageFlags } from "./pagemap-image.ts";

/** CRIU counts the bytes of an entry that the daemon fetches in 31 bits, and before 4.2 the pages of any entry in 32. */
const maxLazyPages = 16 * 1024;
const maxPages = 2 ** 28;

/**
 * The pagemap over a file in which each page lies at its own address, for the daemon that fetches lazy pages. Contents of
 * present pages lie one behind the other, so all that is not fetched from here must count as present: holes, and pages that
 * were restored before.
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

/** The pagemap for the restore, whose parent is the flat one. Where the host cannot fetch pages later, none is lazy. */
export function* topEntries(runs: PageRuns, lazy: boolean): Generator<PagemapEntry> {
  for (const run of runs) {
    if (lazy && run.lazy) yield* pieces(run, pageFlags.lazy, maxLazyPages);
    else yield* pieces(run, pageFlags.parent, maxPages);
  }
}

function* pieces({ first, count }: Pick<Run, "first" | "count">, flags: number, max: number): Generator<PagemapEntry> {
  for (let at = 0; at < count; at += max) yield { first: first + at, count: Math.min(max, count - at), flags };
}
