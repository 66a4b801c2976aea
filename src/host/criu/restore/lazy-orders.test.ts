import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pagemapImage } from "../pages/pagemap-image.ts";
import { lazyOrders } from "./lazy-orders.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-orders-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("gives the place of each lazy page: after all present pages before it, in the file of its task", async () => {
  const one = [
    { first: 10, count: 2, flags: 4 },
    { first: 20, count: 3, flags: 6 },
    { first: 30, count: 1, flags: 1 },
    { first: 34_116_903_947, count: 5, flags: 6 },
  ];
  await writeFile(join(folder, "pagemap-1.img"), pagemapImage(7, one));
  await writeFile(join(folder, "pagemap-27.img"), pagemapImage(8, [{ first: 1, count: 1, flags: 6 }]));
  await writeFile(join(folder, "pagemap-shmem-27.img"), pagemapImage(9, [{ first: 1, count: 1, flags: 6 }]));
  expect((await lazyOrders(folder, "images")).split("\n")).toEqual([
    ...[`file ${folder}/pages-7.img`, "task 1", "run 20 3 0 8192", "run 34116903947 5 0 20480"],
    ...[`file ${folder}/pages-8.img`, "task 27", "run 1 1 1 0"],
    ...["end", ""],
  ]);
  expect((await lazyOrders(folder, "source")).split("\n")).toEqual([
    ...["task 1", "run 20 3", "run 34116903947 5", "task 27", "run 1 1", "end", ""],
  ]);
});
