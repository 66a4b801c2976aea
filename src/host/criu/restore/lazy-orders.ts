import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pageBytes } from "../../proc/page-size.ts";
import { pageFlags } from "../pages/pagemap-image.ts";
import { readPagemap } from "../pages/pagemap-read.ts";

/**
 * What `godwit-lazy-pages` is told of the memory that a restore leaves out, a line each: see runtime/lazy-pages/main.c. `images`
 * is the folder with the images of a dump; the pages are there too, or, with `from: "source"`, come from the frozen original.
 */
export async function lazyOrders(images: string, from: "images" | "source"): Promise<string> {
  const tasks = (await readdir(images)).flatMap((name) => /^pagemap-(\d+)\.img$/.exec(name)?.[1] ?? []);
  const orders = await Promise.all(tasks.map((task, file) => ordersOf(images, from, task, file)));
  return [...orders.flat(), "end", ""].join("\n");
}

async function ordersOf(images: string, from: "images" | "source", task: string, file: number): Promise<string[]> {
  const { pagesId, entries } = readPagemap(await readFile(join(images, `pagemap-${task}.img`)));
  const lines = from === "images" ? [`file ${join(images, `pages-${pagesId}.img`)}`] : [];
  lines.push(`task ${task}`);
  // The contents of present pages lie one behind the other, whether they are lazy or not.
  let offset = 0;
  for (const { first, count, flags } of entries) {
    if (flags & pageFlags.lazy) lines.push(`run ${first} ${count}${from === "images" ? ` ${file} ${offset}` : ""}`);
    if (flags & pageFlags.present) offset += count * pageBytes;
  }
  return lines;
}
