import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it } from "vitest";
import { imageOf } from "../images/images.ts";
import { pagemapImage } from "../pages/pagemap-image.ts";
import { mm_entrySchema } from "../proto/generated/mm_pb.ts";
import { lazyOrders } from "./lazy-orders.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-orders-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function writeMappings(task: number, vmas: { start: bigint; end: bigint; madv?: bigint }[]) {
  const memory = toBinary(mm_entrySchema, create(mm_entrySchema, { vmas }));
  await writeFile(join(folder, `mm-${task}.img`), imageOf([1, 2], [memory]));
}

it("gives the place of each lazy page: after all present pages before it, in the file of its task", async () => {
  const one = [
    { first: 10, count: 2, flags: 4 },
    { first: 20, count: 3, flags: 6 },
    { first: 30, count: 1, flags: 1 },
    { first: 34_116_903_947, count: 5, flags: 6 },
  ];
  await writeFile(join(folder, "pagemap-1.img"), pagemapImage(7, one));
  await writeFile(join(folder, "pagemap-27.img"), pagemapImage(8, [{ first: 1, count: 1, flags: 6 }]));
  await writeMappings(1, [
    { start: 0x14000n, end: 0x17000n, madv: (1n << 18n) | (1n << 14n) },
    { start: 0x17000n, end: 0x18000n, madv: 1n << 10n },
  ]);
  await writeMappings(27, [{ start: 0x1000n, end: 0x2000n }]);
  await writeFile(join(folder, "pagemap-shmem-27.img"), pagemapImage(9, [{ first: 1, count: 1, flags: 6 }]));
  expect((await lazyOrders(folder, { from: "images" })).split("\n")).toEqual([
    ...[
      `file ${folder}/pages-7.img`,
      "task 1",
      "withheld 20 3",
      "withheld 23 1",
      "run 20 3 0 8192",
      "run 34116903947 5 0 20480",
    ],
    ...[`file ${folder}/pages-8.img`, "task 27", "run 1 1 1 0"],
    ...["end", ""],
  ]);
  expect((await lazyOrders(folder, { from: "source" })).split("\n")).toEqual([
    ...["task 1", "withheld 20 3", "withheld 23 1", "run 20 3", "run 34116903947 5", "task 27", "run 1 1", "end", ""],
  ]);
});

it("takes what rounds have brought from a file, and what is missing there from the source", async () => {
  const task = (id: number, first: number, count: number) => ({ task: id, first, count });
  const missing = [task(1, 20, 1), task(1, 34_116_903_949, 2), task(27, 1, 1)];
  expect((await lazyOrders(folder, { from: "store", folder: "/there", missing, shared: [] })).split("\n")).toEqual([
    ...["file /there/1.memory", "task 1", "withheld 20 3", "withheld 23 1", "run 20 1", `run 21 2 0 ${21 * 4096}`],
    `run 34116903947 2 0 ${34_116_903_947 * 4096}`,
    ...["run 34116903949 2", `run 34116903951 1 0 ${34_116_903_951 * 4096}`],
    // No file: nothing of this process has come.
    ...["task 27", "run 1 1", "end", ""],
  ]);
});

it("takes a page that another process has as well from the file of that one", async () => {
  const shared = [{ task: 27, first: 1, count: 1, parent: 1, owner: 1 }];
  const orders = await lazyOrders(folder, { from: "store", folder: "/there", missing: [], shared });
  expect(orders.split("\n").slice(-4)).toEqual(["task 27", `run 1 1 0 ${4096}`, "end", ""]);
});
