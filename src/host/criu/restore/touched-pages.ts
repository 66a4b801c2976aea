import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PageRun } from "../../proc/page-run.ts";
import { pageBytes } from "../../proc/page-size.ts";
import { readMappings } from "../images/mappings.ts";
import { type PagemapEntry, pagemapImage } from "../pages/pagemap-image.ts";
import { readPagemap } from "../pages/pagemap-read.ts";

/** PROT_EXEC; MAP_PRIVATE and MAP_ANONYMOUS. */
const executable = 4;
const privateAnonymous = 0x22;

/**
 * Takes pages out of the images that CRIU itself has made. While it dumps frozen processes, it touches the first page of each executable
 * mapping. If a program has never used that page, it is there from then on, and reads as zeros. A restore makes such a page when it is
 * used.
 * @param images a dump that has left memory out; its lists of pages change
 * @param missing pages that a dump lists and that nobody has copied, because they were not there before
 * @returns those that CRIU has not made
 */
export async function dropTouched(images: string, missing: readonly PageRun[]): Promise<PageRun[]> {
  const left: PageRun[] = [];
  for (const task of new Set(missing.map((run) => run.task))) {
    const starts = await startsOfExecutable(images, task);
    const runs = missing.filter((run) => run.task === task);
    const touched = runs.filter(({ first }) => starts.has(first)).map(({ first }) => first);
    if (touched.length > 0) await dropPages(join(images, `pagemap-${task}.img`), new Set(touched));
    for (const { first, count } of runs)
      if (!starts.has(first)) left.push({ task, first, count });
      else if (count > 1) left.push({ task, first: first + 1, count: count - 1 });
  }
  return left;
}

async function startsOfExecutable(images: string, task: number): Promise<Set<number>> {
  const mappings = await readMappings(images, String(task));
  const found = mappings.filter(
    ({ prot, flags }) => prot & executable && (flags & privateAnonymous) === privateAnonymous,
  );
  return new Set(found.map(({ start }) => Number(start / BigInt(pageBytes))));
}

async function dropPages(pagemap: string, pages: ReadonlySet<number>): Promise<void> {
  const { pagesId, entries } = readPagemap(await readFile(pagemap));
  await writeFile(
    pagemap,
    pagemapImage(
      pagesId,
      entries.flatMap((entry) => without(entry, pages)),
    ),
  );
}

/** What an entry has beside these pages. */
function without(entry: PagemapEntry, pages: ReadonlySet<number>): PagemapEntry[] {
  const kept: PagemapEntry[] = [];
  for (let page = entry.first; page < entry.first + entry.count; page++) {
    if (pages.has(page)) continue;
    const last = kept.at(-1);
    if (last && last.first + last.count === page) last.count += 1;
    else kept.push({ ...entry, first: page, count: 1 });
  }
  return kept;
}
