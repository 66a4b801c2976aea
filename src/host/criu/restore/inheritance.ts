import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { PageRun, SharedRun } from "../../proc/page-run.ts";
import { pageBytes } from "../../proc/page-size.ts";
import { readMappings } from "../images/mappings.ts";
import { memoryFile, type PlacedRun, pagesOf, tasksIn } from "./lazy-orders.ts";

/** Of CRIU's images: the status and the flags of a mapping (criu/include/image.h, mman.h). */
const status = {
  regular: 1 << 0,
  vdso: 1 << 3,
  vvar: 1 << 12,
  filePrivate: 1 << 6,
  anonymousPrivate: 1 << 9,
  aioRing: 1 << 13,
  shadowStack: 1 << 15,
};
const flag = { anonymous: 0x20, growsDown: 0x100, locked: 0x2000, huge: 0x40000 };

/**
 * Tells godwit's library in CRIU (runtime/criu/inherit.c) which pages children inherit from their parents: it puts them into the parent
 * before CRIU forks the children, so that they are shared by copy-on-write again. A file `inherit-PID` for each process:
 *
 *     parent PID                the process from which it inherits; 0 for none
 *     vma FIRST COUNT PROTECTION FLAGS KIND   its private mappings, in the order in which CRIU makes them. KIND: 2 where pages may be
 *                               missing, 1 where none is, 0 where CRIU makes it later
 *     keep FIRST COUNT          pages that it inherits. It must lose all others of its parent
 *     fill FIRST COUNT FILE OFFSET   pages that its children inherit, and that are in this file, from an offset in bytes on. The path
 *                               is relative to the images
 *
 * Nothing depends on it: pages that are not there follow lazily.
 */
export async function writeInheritance(
  images: string,
  shared: readonly SharedRun[],
  placeOf: (run: SharedRun) => PlacedRun[],
): Promise<void> {
  if (shared.length === 0) return;
  const byTask = Map.groupBy(shared, ({ task }) => task);
  const byParent = Map.groupBy(shared, ({ parent }) => parent);
  for (const name of await tasksIn(images)) {
    const task = Number(name);
    const own = (byTask.get(task) ?? []).sort(byFirst);
    const lines = [
      `parent ${own[0]?.parent ?? 0}`,
      ...(await mappingsOf(images, name)),
      ...own.map(({ first, count }) => `keep ${first} ${count}`),
      ...inheritedFrom(byParent.get(task) ?? [], own)
        .flatMap(placeOf)
        .map(({ first, count, path, offset }) => `fill ${first} ${count} ${path} ${offset}`),
    ];
    await writeFile(join(images, `inherit-${task}`), `${lines.join("\n")}\n`);
  }
}

/** Pages that lie in a folder, as `MemoryStore` keeps them. */
export const inFiles =
  (folder: string) =>
  ({ first, count, owner }: SharedRun): PlacedRun[] => [
    { first, count, path: memoryFile(folder, owner), offset: first * pageBytes },
  ];

/** Pages that are in the images themselves. Those of a process that was not dumped are nowhere. */
export async function inImages(images: string): Promise<(run: SharedRun) => PlacedRun[]> {
  const byOwner = new Map<number, PlacedRun[]>();
  for (const task of await tasksIn(images)) byOwner.set(Number(task), await pagesOf(images, { from: "images" }, task));
  return ({ owner, first, count }) => {
    const found: PlacedRun[] = [];
    const all = byOwner.get(owner) ?? [];
    for (let i = firstEndingAfter(all, first), run = all[i]; run && run.first < first + count; run = all[++i]) {
      const { path = "", offset = 0 } = run;
      const from = Math.max(first, run.first);
      const pages = Math.min(first + count, run.first + run.count) - from;
      found.push({ first: from, count: pages, path: basename(path), offset: offset + (from - run.first) * pageBytes });
    }
    return found;
  };
}

/** Index of the first of these runs, in rising order, that ends behind a page. */
function firstEndingAfter(runs: readonly PlacedRun[], page: number): number {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const run = runs[middle] as PlacedRun;
    if (run.first + run.count <= page) low = middle + 1;
    else high = middle;
  }
  return low;
}

const byFirst = (a: PageRun, b: PageRun) => a.first - b.first;

async function mappingsOf(images: string, task: string): Promise<string[]> {
  const isPrivate = (bits: number) =>
    (bits & status.regular && bits & (status.anonymousPrivate | status.filePrivate)) ||
    bits & (status.aioRing | status.shadowStack);
  return (await readMappings(images, task))
    .filter((vma) => isPrivate(vma.status))
    .map(({ start, end, prot, flags, status: bits }) => {
      const isWhole = flags & (flag.growsDown | flag.locked) || bits & (status.vdso | status.vvar);
      const kind = flags & flag.huge ? 0 : flags & flag.anonymous && !isWhole ? 2 : 1;
      return `vma ${start / BigInt(pageBytes)} ${(end - start) / BigInt(pageBytes)} ${prot} ${flags} ${kind}`;
    });
}

/** What children inherit from a process, each page once, without what it inherits itself. */
function inheritedFrom(childrens: SharedRun[], own: readonly SharedRun[]): SharedRun[] {
  const fills: SharedRun[] = [];
  let done = 0;
  let next = 0;
  for (const run of childrens.sort(byFirst)) {
    const end = run.first + run.count;
    for (let at = Math.max(run.first, done); at < end; ) {
      for (let kept = own[next]; kept && kept.first + kept.count <= at; kept = own[next]) next += 1;
      const kept = own[next];
      const upTo = Math.min(end, kept?.first ?? end);
      if (upTo > at) fills.push({ ...run, first: at, count: upTo - at });
      at = kept && kept.first < end ? kept.first + kept.count : end;
    }
    done = Math.max(done, end);
  }
  return fills;
}
