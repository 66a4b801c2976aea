import { mkdtemp, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  add,
  ask,
  close,
  lazy,
  open2,
  page,
  pageBytes,
  parent,
  present,
  wire,
  word,
} from "../../../../testing/criu-dumps.ts";
import { DumpProtocol } from "./dump-protocol.ts";
import { PageStore } from "./page-store.ts";

let folder: string;
let images: string;
let store: PageStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "store-"));
  images = await mkdtemp(join(tmpdir(), "images-"));
  store = new PageStore(folder, new DumpProtocol("4.2.1"));
});

afterEach(async () => {
  await store.discard();
  await rm(folder, { recursive: true });
  await rm(images, { recursive: true });
});

test("pages of one dump are read in place, and only lazy ones are restored later", async () => {
  const answers = await send([
    open2(7),
    add(7, 0x10, ["a", "b"], present | lazy),
    add(7, 0x20, ["c"], present),
    close(),
  ]);
  expect(answers).toEqual(Buffer.from([0, 0, 0, 0, 0]));
  await store.writeImages(images, true);
  expect(await pagemap(images, "7")).toEqual([
    { first: 0x10, count: 2, flags: lazy },
    { first: 0x20, count: 1, flags: parent },
  ]);
  expect(await contents("7")).toEqual({ 16: "a lazy", 17: "b lazy", 32: "c" });
});

test("a host that cannot fetch pages later restores all of them at once", async () => {
  await send([open2(7), add(7, 0x10, ["a"], present | lazy), close()]);
  await store.writeImages(images, false);
  expect(await pagemap(images, "7")).toEqual([{ first: 0x10, count: 1, flags: parent }]);
});

test("an unchanged page stays lazy as it was, beside the changed ones", async () => {
  await send([open2(7), add(7, 0x10, ["a", "b", "c"], present | lazy), add(7, 0x13, ["d"], present), close()]);
  const answers = await send([
    open2(7),
    add(7, 0x10, 1, parent),
    add(7, 0x11, ["B"], present),
    add(7, 0x12, 2, parent),
    close(),
  ]);
  expect(answers[0]).toBe(1);
  await store.writeImages(images, true);
  expect(await contents("7")).toEqual({ 16: "a lazy", 17: "B", 18: "c lazy", 19: "d" });
});

test("a pre-dump is told whether the store knows a process", async () => {
  expect((await send([ask(7), open2(7), close()])).subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, 0]));
  expect((await send([ask(7), ask(8), open2(7), close()])).subarray(0, 9)).toEqual(
    Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 1]),
  );
});

test("a round that refers to memory that never came fails, and so does every later one", async () => {
  await send([open2(7), add(7, 0x10, ["a"], present), close()]);
  await expect(send([open2(7), add(7, 0x10, 2, parent), close()])).rejects.toThrow(/never came/);
  await expect(send([open2(7), add(7, 0x10, ["a"], present), close()])).rejects.toThrow(/earlier round/);
  await expect(store.writeImages(images, true)).rejects.toThrow(/whole/);
});

test("a round whose stream ends early has not arrived", async () => {
  await expect(send([open2(7), add(7, 0x10, ["a"], present)])).rejects.toThrow(/too early/);
  await expect(store.writeImages(images, true)).rejects.toThrow(/whole/);
});

test("an unknown word fails the round", async () => {
  await expect(send([word(99, 1n, 0, 0)])).rejects.toThrow(/no word/);
});

test("an ended process leaves no pages", async () => {
  await send([open2(7), add(7, 0x10, ["a"], present), open2(8), add(8, 0x10, ["b"], present), close()]);
  await send([open2(7), add(7, 0x10, 1, parent), close()]);
  await send([open2(7), add(7, 0x10, 1, parent), close()]);
  await store.writeImages(images, true);
  expect((await readdir(images)).sort()).toEqual(["pagemap-7.img", "pages-1.img", "parent"]);
  expect(await readdir(folder)).not.toContain("pages-2.img");
});

test("shared memory has its own images, and is restored at once", async () => {
  await send([word(4, (77n << 8n) | 2n, 0, 0), add(77, 3, ["s"], present), close()]);
  await store.writeImages(images, true);
  expect(await pagemap(images, "shmem-77")).toEqual([{ first: 3, count: 1, flags: parent }]);
  expect(await contents("shmem-77")).toEqual({ 3: "s" });
});

test("the room of freed memory is freed, and its neighbours stay", async () => {
  const many = Array.from({ length: 5000 }, (_, i) => `${i}`);
  await send([open2(7), add(7, 0x100, many, present | lazy), close()]);
  const before = (await stat(join(folder, "pages-1.img"))).blocks;
  await send([open2(7), add(7, 0x100, 1, parent), add(7, 0x100 + 4999, 1, parent), close()]);
  await send([open2(7), add(7, 0x100, 1, parent), add(7, 0x100 + 4999, 1, parent), close()]);
  expect((await stat(join(folder, "pages-1.img"))).blocks).toBeLessThan(before / 100);
  await store.writeImages(images, true);
  expect(await contents("7")).toEqual({ 256: "0 lazy", [256 + 4999]: "4999 lazy" });
});

test("CRIU before 4.2 has narrower words", async () => {
  const old = new PageStore(folder, new DumpProtocol("4.1.1"));
  const narrow = (command: number, id: bigint, first: number, count: number) => {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(command, 0);
    header.writeUInt32LE(count, 4);
    header.writeBigUInt64LE(BigInt(first * pageBytes), 8);
    header.writeBigUInt64LE(id, 16);
    return header;
  };
  const id = (7n << 8n) | 1n;
  const pages = Buffer.concat([narrow(6 | (present << 16), id, 0x10, 1), page("a")]);
  await old.receive(wire(Buffer.concat([narrow(4, id, 0, 0), pages, narrow(0x1023, 0n, 0, 0)])).stream);
  await old.writeImages(images, true);
  expect(await contents("7")).toEqual({ 16: "a" });
  await old.discard();
});

test("after any rounds each page has its last contents", async () => {
  const change = fc.record({ first: fc.nat(60), count: fc.integer({ min: 1, max: 12 }), gone: fc.boolean() });
  const round = fc.array(change, { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 9000 }), playRounds),
    { numRuns: 60 },
  );
});

/** Plays a program and CRIU. CRIU reports the pages that the program has not touched as unchanged. */
async function playRounds(rounds: { first: number; count: number; gone: boolean }[][], chunk: number): Promise<void> {
  const [own, images] = [await mkdtemp(join(folder, "store-")), await mkdtemp(join(folder, "images-"))];
  const store = new PageStore(own, new DumpProtocol("4.2.1"));
  let memory: Record<number, string> = {};
  let version = 0;
  for (const changes of rounds) {
    const touched = new Set<number>();
    for (const { first, count, gone } of changes) {
      version += 1;
      for (let at = first; at < first + count; at += 1) {
        touched.add(at);
        if (gone) delete memory[at];
        // A stack is not lazy, and this program's stack is every seventh page.
        else memory[at] = `${version}${at % 7 === 0 ? "" : " lazy"}`;
      }
    }
    const said = Object.entries(memory).map(([at, text]) =>
      touched.has(Number(at))
        ? add(7, Number(at), [text.replace(" lazy", "")], text.endsWith("lazy") ? present | lazy : present)
        : add(7, Number(at), 1, parent),
    );
    await store.receive(wire(Buffer.concat([open2(7), ...said, close()]), chunk).stream);
  }
  await store.writeImages(images, true);
  expect(await contents("7", own, images)).toEqual(memory);
  expect(store.pages).toBe(Object.keys(memory).length);
  memory = {};
  await store.discard();
}

async function send(words: Buffer[]): Promise<Buffer> {
  const { stream, answers } = wire(Buffer.concat(words));
  await store.receive(stream);
  return Buffer.concat(answers);
}

async function pagemap(folder: string, name: string): Promise<{ first: number; count: number; flags: number }[]> {
  const image = await readFile(join(folder, `pagemap-${name}.img`));
  expect(image.subarray(0, 8).toString("hex")).toBe("1943565425400856");
  const messages: Buffer[] = [];
  for (let at = 8; at < image.length; at += 4 + image.readUInt32LE(at)) {
    messages.push(image.subarray(at + 4, at + 4 + image.readUInt32LE(at)));
  }
  return messages.slice(1).map((message) => {
    const fields: Record<number, number> = {};
    for (const reader = new BinaryReader(message); reader.pos < reader.len; ) {
      fields[reader.tag()[0]] = Number(reader.uint64());
    }
    expect(fields[2]).toBe(fields[5]);
    return { first: (fields[1] ?? 0) / pageBytes, count: fields[5] ?? 0, flags: fields[4] ?? 0 };
  });
}

/** The memory as CRIU would read it: lazy pages through the folder of the store, the others as the parent of `images`. */
async function contents(name: string, flat = folder, top = images): Promise<Record<number, string>> {
  const found: Record<number, string> = {};
  const wanted = new Map<number, boolean>();
  for (const { first, count, flags } of await pagemap(top, name)) {
    for (let at = first; at < first + count; at += 1) wanted.set(at, flags === lazy);
  }
  const pages = await open(join(flat, `pages-1.img`));
  let offset = 0;
  for (const { first, count, flags } of await pagemap(flat, name)) {
    expect(flags & present).toBe(present);
    for (let at = first; at < first + count; at += 1, offset += pageBytes) {
      expect(Boolean(flags & lazy)).toBe(wanted.get(at) ?? false);
      if (!wanted.has(at)) continue;
      const { buffer } = await pages.read({ buffer: Buffer.alloc(pageBytes), position: offset });
      const text = buffer.toString().split("\n")[0] ?? "";
      expect(buffer.equals(page(text))).toBe(true);
      found[at] = `${text}${wanted.get(at) ? " lazy" : ""}`;
    }
  }
  await pages.close();
  return found;
}
