import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { completeImages } from "../../src/host/criu/images/complete.ts";
import { type PagemapEntry, pagemapImage } from "../../src/host/criu/pages/pagemap-image.ts";
import { compileMemory } from "./support/memory-program.ts";

const page = 4096;
const [lazy, present, inFile] = [2, 4, 6];
const { program, remove } = compileMemory();
let images = "";
let memory = "";
beforeEach(() => {
  images = mkdtempSync("/dev/shm/godwit-images-");
  memory = mkdtempSync("/dev/shm/godwit-pages-");
});
afterEach(() => {
  for (const folder of [images, memory]) rmSync(folder, { recursive: true });
});
afterAll(remove);

const image = (name: string) => join(images, name);
const filled = (...letters: string[]) => Buffer.concat(letters.map((letter) => Buffer.alloc(page, letter)));
/** A letter for each page; `.` for zeros. */
const lettersOf = (name: string) => {
  const bytes = readFileSync(image(name));
  expect(bytes.length % page).toBe(0);
  return Array.from({ length: bytes.length / page }, (_, at) => {
    const [first = 0, ...rest] = bytes.subarray(at * page, (at + 1) * page);
    return rest.every((byte) => byte === first) ? String.fromCharCode(first || 46) : "?";
  }).join("");
};
const entry = (first: number, count: number, flags: number): PagemapEntry => ({ first, count, flags });

/** Writes pages at their addresses, as the store keeps them. */
async function keep(name: string, pages: Record<number, string>): Promise<void> {
  const file = await open(join(memory, name), "w");
  for (const [at, letter] of Object.entries(pages)) await file.write(filled(letter), 0, page, Number(at) * page);
  await file.close();
}

it("puts memory between the pages that the dump has, each process into its own image", async () => {
  const high = 2 ** 35 - 4;
  await keep("1.memory", { 16: "a", 17: "b", [high]: "c" });
  await keep("7.memory", { 3: "x" });
  writeFileSync(image("pages-1.img"), filled("P", "Q", "R"));
  writeFileSync(
    image("pagemap-1.img"),
    pagemapImage(1, [entry(2, 1, present), entry(16, 3, lazy), entry(40, 2, present), entry(high, 2, lazy)]),
  );
  writeFileSync(image("pages-2.img"), "");
  writeFileSync(image("pagemap-7.img"), pagemapImage(2, [entry(3, 1, lazy)]));
  writeFileSync(image("pages-3.img"), filled("Z"));
  writeFileSync(image("pagemap-8.img"), pagemapImage(3, [entry(3, 1, present)]));
  await completeImages(images, memory, [], program);
  expect(lettersOf("pages-1.img")).toBe("Pab.QRc.");
  expect(lettersOf("pages-2.img")).toBe("x");
  expect(lettersOf("pages-3.img")).toBe("Z");
  expect(readFileSync(image("pagemap-1.img"))).toEqual(
    pagemapImage(1, [entry(2, 1, present), entry(16, 3, inFile), entry(40, 2, present), entry(high, 2, inFile)]),
  );
  expect(readdirSync(images).filter((name) => name.endsWith(".new"))).toEqual([]);
});

it("puts what a process shares with another one into its image, too", async () => {
  await keep("1.memory", { 16: "a", 17: "b", 18: "c" });
  await keep("7.memory", { 16: "x", 18: "y" });
  for (const [task, id] of [
    [1, 1],
    [7, 2],
    [8, 3],
  ] as const) {
    writeFileSync(image(`pages-${id}.img`), "");
    writeFileSync(image(`pagemap-${task}.img`), pagemapImage(id, [entry(16, 3, lazy)]));
  }
  const shared = [
    { task: 7, first: 17, count: 1, parent: 1, owner: 1 },
    // Nothing of this one has a file of its own.
    { task: 8, first: 16, count: 3, parent: 1, owner: 1 },
  ];
  await completeImages(images, memory, shared, program);
  expect([1, 2, 3].map((id) => lettersOf(`pages-${id}.img`))).toEqual(["abc", "xby", "abc"]);
});

it("puts what is no hole of a shared object into its image, also where it ends within a page", async () => {
  await keep("77.object", { 1: "a", 2: "b", 9: "c" });
  truncateSync(join(memory, "77.object"), 9 * page + 100);
  await keep("78.object", {});
  await keep("79.object", { 0: "x" });
  writeFileSync(image("pagemap-shmem-77.img"), pagemapImage(4, []));
  writeFileSync(image("pagemap-shmem-78.img"), pagemapImage(5, []));
  writeFileSync(image("pages-6.img"), filled("D"));
  writeFileSync(image("pagemap-shmem-79.img"), pagemapImage(6, [entry(0, 1, present)]));
  writeFileSync(image("shared-objects"), "5:77\n5:78\n5:79\n5:80\n");
  await completeImages(images, memory, [], program);
  expect(readFileSync(image("pages-4.img")).subarray(0, 2 * page)).toEqual(filled("a", "b"));
  expect(readFileSync(image("pages-4.img")).subarray(2 * page)).toEqual(
    Buffer.concat([Buffer.alloc(100, "c"), Buffer.alloc(page - 100)]),
  );
  expect(readFileSync(image("pagemap-shmem-77.img"))).toEqual(
    pagemapImage(4, [entry(1, 2, present), entry(9, 1, present)]),
  );
  expect(readFileSync(image("pagemap-shmem-78.img"))).toEqual(pagemapImage(5, []));
  // CRIU has not left it out.
  expect(lettersOf("pages-6.img")).toBe("D");
  // No restore needs it, and a checkpoint is of no use for it.
  expect(readdirSync(images)).not.toContain("shared-objects");
});

it("fails where a part of an image is missing", async () => {
  await keep("1.memory", { 16: "a" });
  writeFileSync(image("pages-1.img"), filled("P").subarray(0, 100));
  writeFileSync(image("pagemap-1.img"), pagemapImage(1, [entry(2, 1, present), entry(16, 1, lazy)]));
  await expect(completeImages(images, memory, [], program)).rejects.toMatchObject({ status: 61 });
});
