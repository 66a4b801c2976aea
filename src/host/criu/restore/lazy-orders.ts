import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PageRun } from "../../proc/page-run.ts";
import { pageBytes } from "../../proc/page-size.ts";
import { pageFlags } from "../pages/pagemap-image.ts";
import { readPagemap } from "../pages/pagemap-read.ts";

/**
 * Where the contents of the pages are: among the images; on the source; or in a file `PID.memory` of a folder, at their address, and
 * those that are `missing` there on the source.
 */
export type PagePlace = { from: "images" | "source" } | { from: "store"; folder: string; missing: readonly PageRun[] };

/**
 * The orders for `godwit-lazy-pages`: lines that describe the memory that a restore leaves out. runtime/lazy-pages/main.c describes
 * the lines.
 * @param images folder with the images of a dump
 */
export async function lazyOrders(images: string, place: PagePlace): Promise<string> {
  const lines: string[] = [];
  let files = 0;
  for (const task of await tasksIn(images)) {
    const { path, runs } = await pagesOf(images, place, task);
    const isLocal = runs.some(({ offset }) => offset !== undefined);
    if (isLocal) lines.push(`file ${path}`);
    lines.push(`task ${task}`);
    for (const { first, count, offset } of runs)
      lines.push(`run ${first} ${count}${offset === undefined ? "" : ` ${files} ${offset}`}`);
    if (isLocal) files += 1;
  }
  return [...lines, "end", ""].join("\n");
}

interface PlacedRun {
  first: number;
  count: number;
  /** In bytes, in the task's file; undefined on the source. */
  offset?: number;
}

async function pagesOf(images: string, place: PagePlace, task: string): Promise<{ path: string; runs: PlacedRun[] }> {
  const { pagesId, entries } = readPagemap(await readFile(join(images, `pagemap-${task}.img`)));
  const lazy = entries.filter(({ flags }) => flags & pageFlags.lazy);
  if (place.from === "source") return { path: "", runs: lazy };
  if (place.from === "store") {
    const missing = place.missing.filter((run) => run.task === Number(task));
    return {
      path: memoryFile(place.folder, task),
      runs: lazy.flatMap(({ first, count }) => withoutMissing(first, count, missing)),
    };
  }
  // The file of the images has the contents of all present pages one after another, lazy or not.
  const runs: PlacedRun[] = [];
  let offset = 0;
  for (const { first, count, flags } of entries) {
    if (flags & pageFlags.lazy) runs.push({ first, count, offset });
    if (flags & pageFlags.present) offset += count * pageBytes;
  }
  return { path: join(images, `pages-${pagesId}.img`), runs };
}

/** @param missing in rising order, and within the runs of the task. Those of this run are taken out */
function withoutMissing(first: number, count: number, missing: PageRun[]): PlacedRun[] {
  const runs: PlacedRun[] = [];
  const end = first + count;
  for (let at = first; at < end; ) {
    const gap = missing[0] && missing[0].first < end ? missing.shift() : undefined;
    const there = (gap?.first ?? end) - at;
    if (there > 0) runs.push({ first: at, count: there, offset: at * pageBytes });
    if (gap) runs.push({ first: gap.first, count: gap.count });
    at = gap ? gap.first + gap.count : end;
  }
  return runs;
}

/** Path of the file with the memory of a process, by its id within the container. */
export const memoryFile = (folder: string, task: number | string): string => join(folder, `${task}.memory`);

/** The runs of pages that a restore leaves out. */
export async function lazyRuns(images: string): Promise<PageRun[]> {
  const runs = await Promise.all(
    (await tasksIn(images)).map(async (task) => {
      const { entries } = readPagemap(await readFile(join(images, `pagemap-${task}.img`)));
      return entries.flatMap(({ first, count, flags }) =>
        flags & pageFlags.lazy ? [{ task: Number(task), first, count }] : [],
      );
    }),
  );
  return runs.flat();
}

/** Ids of the processes in a dump. */
export const tasksIn = async (images: string) =>
  (await readdir(images)).flatMap((name) => /^pagemap-(\d+)\.img$/.exec(name)?.[1] ?? []);
