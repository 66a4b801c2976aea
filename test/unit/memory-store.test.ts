import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { memoryFile } from "../../src/host/criu/restore/lazy-orders.ts";
import { pageBytes } from "../../src/host/proc/page-size.ts";
import { encodeFrame, type FrameType } from "../../src/memory/pages/frames.ts";
import { MemoryStore } from "../../src/memory/rounds/memory-store.ts";
import { compileMemory } from "./support/memory-program.ts";

const { program, remove } = compileMemory();
let folder = "";
let store: MemoryStore;
beforeAll(() => {
  folder = mkdtempSync("/dev/shm/godwit-store-");
});
beforeEach(() => {
  store = new MemoryStore(program, folder, join(folder, "socket"));
});
afterEach(async () => {
  await store.close();
  rmSync(memoryFile(folder, task), { force: true });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  remove();
});

const task = 7;
type Part = [type: FrameType, first: number, fill?: string, count?: number];
const run = (first: number, count = 1) => ({ task, first, count });

/** Sends a round as the source does. @returns what the store answers */
async function round(...parts: Part[]): Promise<number> {
  const [here, there] = duplexPair();
  const received = store.receive(there);
  received.catch(() => {});
  for (const [type, first, fill = "", count = 1] of parts) {
    here.write(encodeFrame(type, 0, run(first, count)));
    if (type === "pages") here.write(Buffer.alloc(count * pageBytes, fill));
  }
  if (parts.at(-1)?.[0] === "pages") here.end();
  let answer = 0;
  here.on("data", (bytes: Buffer) => {
    answer += bytes.length;
  });
  here.on("error", () => {});
  await received;
  return answer;
}

/** The first letter of each page of the file; `.` for one that holds zeros. */
const pages = (count: number) => {
  const bytes = readFileSync(memoryFile(folder, task));
  return Array.from({ length: count }, (_, page) => {
    const part = bytes.subarray(page * pageBytes, (page + 1) * pageBytes);
    return part.every((byte) => byte === part[0]) ? String.fromCharCode(part[0] || 46) : "?";
  }).join("");
};

it("keeps each page at its address, over rounds", async () => {
  expect(await round(["pages", 1, "a", 3], ["pages", 5, "b"], ["go", 0])).toBeGreaterThan(0);
  await round(["pages", 2, "c"], ["zeros", 3, "", 4], ["pages", 6, "d"], ["go", 0]);
  expect(pages(7)).toBe(".ac...d");
  expect(await store.look([run(1, 6)])).toEqual({ missing: [], shared: [] });
});

it("tells which pages never came, and which are old", async () => {
  await round(["pages", 1, "a", 4], ["zeros", 6, "", 2], ["go", 0]);
  await round(["missing", 2, "", 2], ["go", 0]);
  const other = { ...run(1, 3), task: 8 };
  expect((await store.look([run(1), run(2, 8), run(17), other])).missing).toEqual([
    ...[run(2, 2), run(5), run(8, 2), run(17)],
    other,
  ]);
});

it("refuses a round that is cut off, and all after it", async () => {
  await round(["pages", 1, "a"], ["go", 0]);
  await expect(round(["pages", 1, "b"])).rejects.toThrow("did not arrive whole");
  await expect(store.look([])).rejects.toThrow("did not arrive whole");
  await expect(round(["pages", 1, "c"], ["go", 0])).rejects.toThrow();
});

it("refuses frames that do not belong to a round, and says where there is no room", async () => {
  await expect(round(["arrived", 1])).rejects.toThrow("does not belong to a round");
  await store.close();
  store = new MemoryStore(program, join(folder, "is-not-there"), join(folder, "other-socket"));
  await expect(round(["pages", 1, "a"], ["go", 0])).rejects.toMatchObject({ code: "ENOENT" });
});

it("takes a round while the connection of a later one is open", async () => {
  const [here, there] = duplexPair();
  const later = store.receive(there);
  await round(["pages", 1, "a"], ["go", 0]);
  here.write(encodeFrame("pages", 0, run(1)));
  here.write(Buffer.alloc(pageBytes, "b"));
  here.write(encodeFrame("go", 0));
  await later;
  expect(pages(2)).toBe(".b");
});

const parent = 5;
/** Frames of a parent and its child, in a round. */
async function family(...parts: [of: number, type: FrameType, first: number, count: number, fill?: string][]) {
  const [here, there] = duplexPair();
  const received = store.receive(there);
  received.catch(() => {});
  here.on("error", () => {});
  for (const [of, type, first, count, fill = ""] of parts) {
    here.write(encodeFrame(type, type === "same" ? parent : 0, { task: of, first, count }));
    if (type === "pages") here.write(Buffer.alloc(count * pageBytes, fill));
  }
  here.write(encodeFrame("go", 0));
  await received;
}
const lettersOf = (of: number, count: number) => {
  const bytes = readFileSync(memoryFile(folder, of));
  return Array.from({ length: count }, (_, page) => String.fromCharCode(bytes[page * pageBytes] || 46)).join("");
};

it("has a page that a child shares with its parent once, and for itself when either of them changes it", async () => {
  await family([parent, "pages", 1, 6, "p"], [task, "same", 1, 6]);
  expect(lettersOf(parent, 7)).toBe(".pppppp");
  expect(lettersOf(task, 7)).toBe(".......");
  await family(
    [parent, "pages", 2, 1, "n"],
    [parent, "zeros", 3, 1],
    [parent, "missing", 4, 1],
    [task, "pages", 5, 1, "c"],
  );
  expect(lettersOf(task, 7)).toBe("..pppc.");
  const { missing, shared } = await store.look([{ task: parent, first: 1, count: 6 }, run(1, 6)]);
  expect(missing).toEqual([{ task: parent, first: 4, count: 1 }]);
  expect(shared).toEqual([1, 6].map((first) => ({ ...run(first), parent, owner: parent })));
  rmSync(memoryFile(folder, parent));
});

it("refuses a page that is said to be its parent's, who never had it", async () => {
  await expect(family([parent, "pages", 1, 1, "p"], [task, "same", 1, 2])).rejects.toThrow("another process");
  rmSync(memoryFile(folder, parent));
});
