import { readFile, rename, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memoryPath } from "../../paths.ts";
import type { SharedRun } from "../../proc/page-run.ts";
import { pageBytes } from "../../proc/page-size.ts";
import { run } from "../../proc/process.ts";
import { type PagemapEntry, pageFlags, pagemapImage } from "../pages/pagemap-image.ts";
import { readPagemap } from "../pages/pagemap-read.ts";
import { type PagePlace, type PlacedRun, pagesOf, tasksIn } from "../restore/lazy-orders.ts";
import { listedObjects, sharedObjectsFile } from "./shared-objects.ts";

/** Pages of one entry: CRIU counts the bytes of some entries in 31 bits. */
const mostPages = 16 * 1024;

/** A new image of pages, with the image that lists them. */
interface PageImage {
  /** Orders of `godwit-memory gather` that write the contents. runtime/memory/main.c describes them. */
  orders: string[];
  pages: string;
  pagemap: string;
  pagesId: number;
  /** Undefined where the orders tell which pages there are. */
  entries: PagemapEntry[] | undefined;
}

/**
 * Puts the contents of memory into images of a dump that has left them out. The images are then as CRIU would have written them.
 * @param folder the memory, as `MemoryStore` keeps it; every page is there that the images leave out
 * @param shared those that are in the file of another process
 * @param program godwit-memory
 */
export async function completeImages(
  images: string,
  folder: string,
  shared: readonly SharedRun[] = [],
  program = memoryPath,
): Promise<void> {
  const place = { from: "store", folder, missing: [], shared } as const;
  const tasks = (await tasksIn(images)).map((task) => imageOfTask(images, place, task));
  const objects = (await listedObjects(images)).map((inode) => imageOfObject(images, folder, inode));
  const made = (await Promise.all([...tasks, ...objects])).filter((image) => image !== undefined);
  const input = made.flatMap(({ orders }) => orders.map((order) => `${order}\n`)).join("");
  const told = runsIn(await run(program, ["gather"], { input }));
  for (const { pages, pagemap, pagesId, entries } of made) {
    const listed = entries ?? told.shift() ?? [];
    await rename(newOf(pages), pages);
    await writeFile(newOf(pagemap), pagemapImage(pagesId, listed), { mode: 0o600 });
    await rename(newOf(pagemap), pagemap);
  }
  await run("rm", ["-f", join(images, sharedObjectsFile)]);
}

const newOf = (path: string) => `${path}.new`;

/** Of a process: pages that the dump has, and the others from where they are. */
async function imageOfTask(images: string, place: PagePlace, task: string): Promise<PageImage | undefined> {
  const pagemap = join(images, `pagemap-${task}.img`);
  const { pagesId, entries } = readPagemap(await readFile(pagemap));
  const isLeftOut = ({ flags }: PagemapEntry) => !(flags & pageFlags.present);
  if (!entries.some(isLeftOut)) return undefined;
  const pages = join(images, `pages-${pagesId}.img`);
  const leftOut = await pagesOf(images, place, task);
  await Promise.all([...endsOf(leftOut)].map(([path, end]) => reach(path, end)));
  const orders = [`into ${newOf(pages)}`];
  let source = "";
  const copy = (path: string, offset: number, count: number) => {
    if (path !== source) orders.push(`from ${path}`);
    source = path;
    orders.push(`piece ${offset} ${count * pageBytes}`);
  };
  let offset = 0;
  let next = 0;
  for (const entry of entries) {
    if (isLeftOut(entry)) {
      for (let run = leftOut[next]; run && run.first < entry.first + entry.count; run = leftOut[++next])
        copy(run.path ?? "", run.offset ?? 0, run.count);
      continue;
    }
    copy(pages, offset, entry.count);
    offset += entry.count * pageBytes;
  }
  const whole = entries.map((entry) => ({ ...entry, flags: entry.flags | pageFlags.present }));
  return { orders, pages, pagemap, pagesId, entries: whole };
}

/** The end of what is read of each file, in bytes. */
function endsOf(runs: readonly PlacedRun[]): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { path = "", offset = 0, count } of runs)
    ends.set(path, Math.max(ends.get(path) ?? 0, offset + count * pageBytes));
  return ends;
}

/** Of a shared object: all of its file that is no hole. */
async function imageOfObject(images: string, folder: string, inode: number): Promise<PageImage | undefined> {
  const pagemap = join(images, `pagemap-shmem-${inode}.img`);
  const image = await readFile(pagemap).catch(() => undefined);
  // A process that CRIU does not dump may have it.
  if (!image) return undefined;
  const { pagesId, entries } = readPagemap(image);
  // With contents, CRIU has not left it out.
  if (entries.length > 0) return undefined;
  const object = objectFile(folder, inode);
  await reach(object, pageBytes);
  const pages = join(images, `pages-${pagesId}.img`);
  return { orders: [`into ${newOf(pages)}`, `from ${object}`, "data"], pages, pagemap, pagesId, entries: undefined };
}

/** Path of the file with a shared object, by the number of its inode on the container's host. */
export const objectFile = (folder: string, inode: number): string => join(folder, `${inode}.object`);

/** Enlarges a file of memory up to an address, and to whole pages: pages of zeros at its end are not in it. */
async function reach(path: string, end: number): Promise<void> {
  const { size } = await stat(path);
  await truncate(path, Math.max(Math.ceil(size / pageBytes) * pageBytes, end));
}

/** The runs of pages that each order `data` has told. */
function runsIn(output: string): PagemapEntry[][] {
  const all: PagemapEntry[][] = [];
  let runs: PagemapEntry[] = [];
  for (const line of output.split("\n")) {
    const [first = 0, count = 0] = line.split(" ").map(Number);
    if (line !== "") {
      for (let at = 0; at < count; at += mostPages)
        runs.push({ first: first + at, count: Math.min(mostPages, count - at), flags: pageFlags.present });
      continue;
    }
    all.push(runs);
    runs = [];
  }
  return all;
}
