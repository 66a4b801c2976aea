import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { imageOf } from "../images/images.ts";
import { pageFlags, pagemapImage } from "../pages/pagemap-image.ts";
import { readPagemap } from "../pages/pagemap-read.ts";
import { mm_entrySchema } from "../proto/generated/mm_pb.ts";
import { vma_entrySchema } from "../proto/generated/vma_pb.ts";
import { dropTouched } from "./touched-pages.ts";

let images = "";
beforeEach(() => {
  images = mkdtempSync(join(tmpdir(), "godwit-touched-"));
});
afterEach(() => rmSync(images, { recursive: true }));

const [read, write, execute] = [1, 2, 4];
const [shared, priv, anonymous] = [1, 2, 0x20];

function dump(...mappings: [first: number, prot: number, flags: number][]): void {
  const vmas = mappings.map(([first, prot, flags]) =>
    create(vma_entrySchema, { start: BigInt(first * 4096), end: BigInt((first + 16) * 4096), prot, flags }),
  );
  const memory = toBinary(mm_entrySchema, create(mm_entrySchema, { vmas }));
  writeFileSync(join(images, "mm-7.img"), imageOf([1, 2], [memory]));
  const entries = mappings.map(([first]) => ({ first, count: 3, flags: pageFlags.lazy }));
  writeFileSync(join(images, "pagemap-7.img"), pagemapImage(1, entries));
}

const listed = () =>
  readPagemap(readFileSync(join(images, "pagemap-7.img"))).entries.map(({ first, count }) => [first, count]);

test("the first page of an executable mapping is taken out; no other page is", async () => {
  dump(
    [100, read | write | execute, priv | anonymous],
    [200, read | write, priv | anonymous],
    [300, read | execute, shared],
    [400, read | execute, priv | anonymous],
  );
  const missing = [100, 101, 200, 300].map((first) => ({ task: 7, first, count: 1 }));
  expect(await dropTouched(images, missing)).toEqual(missing.slice(1));
  expect(listed()).toEqual([
    [101, 2],
    [200, 3],
    [300, 3],
    [400, 3],
  ]);
});

test("of a run that begins there, the rest is missing", async () => {
  dump([100, read | execute, priv | anonymous]);
  expect(await dropTouched(images, [{ task: 7, first: 100, count: 3 }])).toEqual([{ task: 7, first: 101, count: 2 }]);
});
