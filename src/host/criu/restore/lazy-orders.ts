import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pageBytes } from "../../proc/page-size.ts";
import { pageFlags } from "../pages/pagemap-image.ts";
import { readPagemap } from "../pages/pagemap-read.ts";

/**
 * The orders for `godwit-lazy-pages`: lines that describe the memory that a restore leaves out. runtime/lazy-pages/main.c describes
 * the lines.
 * @param images folder with the images of a dump
 * @param from where the contents of the pages are: in that folder, or in the frozen original on the source
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
  // The file has the contents of all present pages one after another, lazy or not.
  let offset = 0;
  for (const { first, count, flags } of entries) {
    if (flags & pageFlags.lazy) lines.push(`run ${first} ${count}${from === "images" ? ` ${file} ${offset}` : ""}`);
    if (flags & pageFlags.present) offset += count * pageBytes;
  }
  return lines;
}
