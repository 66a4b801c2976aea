import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PageRun, SharedRun } from "../../proc/page-run.ts";
import { pageBytes } from "../../proc/page-size.ts";
import { readMappings } from "../images/mappings.ts";
import { pageFlags } from "../pages/pagemap-image.ts";
import { readPagemap } from "../pages/pagemap-read.ts";

/**
 * Where the contents of the pages are: among the images; on the source; or in a file `PID.memory` of a folder, at their address. Of
 * those, the ones that are `missing` there come from the source, and `shared` ones are in the file of another process.
 */
export type PagePlace = { from: "images" | "source" } | StorePlace;
export interface StorePlace {
  from: "store";
  folder: string;
  missing: readonly PageRun[];
  shared: readonly SharedRun[];
}

/**
 * The orders for `godwit-lazy-pages`: lines that describe the memory that a restore leaves out. runtime/lazy-pages/main.c describes
 * the lines.
 * @param images folder with the images of a dump
 */
export async function lazyOrders(images: string, place: PagePlace): Promise<string> {
  const lines: string[] = [];
  const files = new Map<string, number>();
  for (const task of await tasksIn(images)) {
    const runs = await pagesOf(images, place, task);
    for (const { path } of runs)
      if (path && !files.has(path)) {
        lines.push(`file ${path}`);
        files.set(path, files.size);
      }
    lines.push(`task ${task}`, ...(await withheld(images, task)));
    for (const { first, count, path, offset } of runs)
      lines.push(`run ${first} ${count}${path ? ` ${files.get(path)} ${offset}` : ""}`);
  }
  return [...lines, "end", ""].join("\n");
}

/** MADV_DONTFORK and MADV_WIPEONFORK, as CRIU's images have them: the bits with the numbers of the advice. */
const notInherited = (1n << 10n) | (1n << 18n);

/** What a child that is forked before all memory is there does not inherit. */
async function withheld(images: string, task: string): Promise<string[]> {
  const mappings = await readMappings(images, task);
  const page = (address: bigint) => Number(address / BigInt(pageBytes));
  return mappings.flatMap(({ start, end, madv }) =>
    madv & notInherited ? [`withheld ${page(start)} ${page(end - start)}`] : [],
  );
}

export interface PlacedRun {
  first: number;
  count: number;
  /** The file that has its contents; undefined on the source. */
  path?: string;
  /** In bytes, in that file. */
  offset?: number;
}

/** The pages of a process that a restore leaves out, and where they are. */
export async function pagesOf(images: string, place: PagePlace, task: string): Promise<PlacedRun[]> {
  const { pagesId, entries } = readPagemap(await readFile(join(images, `pagemap-${task}.img`)));
  const lazy = entries.filter(({ flags }) => flags & pageFlags.lazy);
  if (place.from === "source") return lazy;
  if (place.from === "store") {
    const elsewhere = [...place.missing, ...place.shared]
      .filter((run) => run.task === Number(task))
      .sort((a, b) => a.first - b.first);
    return lazy.flatMap(({ first, count }) => placed(place.folder, Number(task), first, count, elsewhere));
  }
  // The file of the images has the contents of all present pages one after another, lazy or not.
  const path = join(images, `pages-${pagesId}.img`);
  const runs: PlacedRun[] = [];
  let offset = 0;
  for (const { first, count, flags } of entries) {
    if (flags & pageFlags.lazy) runs.push({ first, count, path, offset });
    if (flags & pageFlags.present) offset += count * pageBytes;
  }
  return runs;
}

/**
 * Where pages are that a `MemoryStore` has kept in a folder.
 * @param elsewhere in rising order, and within the runs of the task: pages of other processes, and missing ones. Those of this run are taken
 * out
 */
function placed(
  folder: string,
  task: number,
  first: number,
  count: number,
  elsewhere: (PageRun & Partial<SharedRun>)[],
): PlacedRun[] {
  const runs: PlacedRun[] = [];
  const inFile = (from: number, pages: number, owner: number) => {
    runs.push({ first: from, count: pages, path: memoryFile(folder, owner), offset: from * pageBytes });
  };
  const end = first + count;
  for (let at = first; at < end; ) {
    const gap = elsewhere[0] && elsewhere[0].first < end ? elsewhere.shift() : undefined;
    const there = (gap?.first ?? end) - at;
    if (there > 0) inFile(at, there, task);
    if (gap?.owner !== undefined) inFile(gap.first, gap.count, gap.owner);
    else if (gap) runs.push({ first: gap.first, count: gap.count });
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
