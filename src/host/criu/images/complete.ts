import { readFile, rename, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memoryPath } from "../../paths.ts";
import { pageBytes } from "../../proc/page-size.ts";
import { run } from "../../proc/process.ts";
import { type PagemapEntry, pageFlags, pagemapImage } from "../pages/pagemap-image.ts";
import { readPagemap } from "../pages/pagemap-read.ts";
import { memoryFile, tasksIn } from "../restore/lazy-orders.ts";
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
 * @param program godwit-memory
 */
export async function completeImages(images: string, folder: string, program = memoryPath): Promise<void> {
  const tasks = (await tasksIn(images)).map((task) => imageOfTask(images, folder, task));
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

/** Of a process: pages that the dump has, and the others from the file in which each page lies at its address. */
async function imageOfTask(images: string, folder: string, task: string): Promise<PageImage | undefined> {
  const pagemap = join(images, `pagemap-${task}.img`);
  const { pagesId, entries } = readPagemap(await readFile(pagemap));
  const isLeftOut = ({ flags }: PagemapEntry) => !(flags & pageFlags.present);
  const last = entries.findLast(isLeftOut);
  if (!last) return undefined;
  const pages = join(images, `pages-${pagesId}.img`);
  const memory = memoryFile(folder, task);
  await reach(memory, (last.first + last.count) * pageBytes);
  const orders = [`into ${newOf(pages)}`];
  let offset = 0;
  let source = "";
  for (const entry of entries) {
    const leftOut = isLeftOut(entry);
    const bytes = entry.count * pageBytes;
    const from = `from ${leftOut ? memory : pages}`;
    if (from !== source) orders.push(from);
    source = from;
    orders.push(`piece ${leftOut ? entry.first * pageBytes : offset} ${bytes}`);
    if (!leftOut) offset += bytes;
  }
  const whole = entries.map((entry) => ({ ...entry, flags: entry.flags | pageFlags.present }));
  return { orders, pages, pagemap, pagesId, entries: whole };
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
