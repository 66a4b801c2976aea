import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, expect, it } from "vitest";
import { imageOf } from "../images/images.ts";
import { pagemapImage } from "../pages/pagemap-image.ts";
import { mm_entrySchema } from "../proto/generated/mm_pb.ts";
import { inFiles, inImages, writeInheritance } from "./inheritance.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-inheritance-"));
afterAll(() => rmSync(folder, { recursive: true }));

const anonymous = { status: 0x201, flags: 0x22, prot: 3 };
const vma = (first: number, end: number, of = {}) => ({
  ...anonymous,
  ...of,
  start: BigInt(first * 4096),
  end: BigInt(end * 4096),
});
const mappings = [
  vma(1, 5, { status: 0x41, flags: 2, prot: 5 }),
  vma(10, 90),
  vma(100, 110, { status: 0x101, flags: 0x21 }),
  vma(200, 201, { flags: 0x122 }),
  vma(512, 1024, { flags: 0x40022 }),
];
for (const task of [1, 7, 8, 9]) {
  writeFileSync(join(folder, `pagemap-${task}.img`), pagemapImage(1, []));
  const memory = toBinary(mm_entrySchema, create(mm_entrySchema, { vmas: mappings }));
  writeFileSync(join(folder, `mm-${task}.img`), imageOf([1, 2], [memory]));
}
const planOf = (task: number) =>
  readFileSync(join(folder, `inherit-${task}`), "utf8")
    .trim()
    .split("\n");

it("fills each page that children inherit once, into the process that has it for itself", async () => {
  const run = (task: number, first: number, count: number, parent: number, owner: number) => ({
    ...{ task, first, count, parent, owner },
  });
  const shared = [
    ...[run(7, 10, 10, 1, 1), run(7, 40, 5, 1, 1), run(8, 15, 10, 1, 1)],
    // A grandchild has pages of its parent, and within them some of its grandparent.
    ...[run(9, 12, 2, 7, 1), run(9, 18, 24, 7, 7)],
  ];
  await writeInheritance(folder, shared, inFiles("../pages"));
  const made = ["vma 1 4 5 2 1", "vma 10 80 3 34 2", "vma 200 1 3 290 1", "vma 512 512 3 262178 0"];
  expect(planOf(1)).toEqual([
    ...["parent 0", ...made],
    ...["fill 10 10 ../pages/1.memory 40960", "fill 20 5 ../pages/1.memory 81920"],
    "fill 40 5 ../pages/1.memory 163840",
  ]);
  expect(planOf(7)).toEqual(["parent 1", ...made, "keep 10 10", "keep 40 5", "fill 20 20 ../pages/7.memory 81920"]);
  expect(planOf(8)).toEqual(["parent 1", ...made, "keep 15 10"]);
  expect(planOf(9)).toEqual(["parent 7", ...made, "keep 12 2", "keep 18 24"]);
});

it("finds pages in the images that a dump was completed with, as far as they are there", async () => {
  const entries = [
    { first: 8, count: 1, flags: 4 },
    { first: 10, count: 4, flags: 6 },
    { first: 14, count: 2, flags: 6 },
    { first: 20, count: 9, flags: 6 },
  ];
  writeFileSync(join(folder, "pagemap-1.img"), pagemapImage(3, entries));
  const placeOf = await inImages(folder);
  const run = { task: 7, parent: 1, owner: 1 };
  expect(placeOf({ ...run, first: 12, count: 10 })).toEqual([
    { first: 12, count: 2, path: "pages-3.img", offset: 3 * 4096 },
    { first: 14, count: 2, path: "pages-3.img", offset: 5 * 4096 },
    { first: 20, count: 2, path: "pages-3.img", offset: 7 * 4096 },
  ]);
  expect(placeOf({ ...run, first: 16, count: 4 })).toEqual([]);
  // A process that had ended when the container was dumped.
  expect(placeOf({ ...run, owner: 5, first: 12, count: 10 })).toEqual([]);
});
