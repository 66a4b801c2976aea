import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { memoryFile } from "../../src/host/criu/restore/lazy-orders.ts";
import { pageBytes } from "../../src/host/proc/page-size.ts";
import { encodeFrame, type FrameType } from "../../src/memory/pages/frames.ts";
import type { MemoryStore } from "../../src/memory/rounds/memory-store.ts";
import { block, plainStore, sendFrames } from "./support/memory-pair.ts";
import { compileMemory } from "./support/memory-program.ts";

const { program, remove } = compileMemory();
let folder = "";
let store: MemoryStore;
let source: Socket;
beforeAll(() => {
  folder = mkdtempSync("/dev/shm/godwit-store-");
});
beforeEach(async () => {
  ({ store, source } = await plainStore(program, { folder, socket: join(folder, "socket") }));
  source.on("error", () => {});
});
afterEach(async () => {
  source.destroy();
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
/** Frames as the source sends them. */
function frames(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.flatMap(([type, first, fill = "", count = 1]) => [
      encodeFrame(type, 0, run(first, count)),
      ...(type === "pages" ? [Buffer.alloc(count * pageBytes, fill)] : []),
    ]),
  );
}

const round = (...parts: Part[]) => sendFrames(source, store, frames(...parts));

/** The first letter of each page of the file; `.` for one that holds zeros. */
const pages = (count: number) => {
  const bytes = readFileSync(memoryFile(folder, task));
  return Array.from({ length: count }, (_, page) => {
    const part = bytes.subarray(page * pageBytes, (page + 1) * pageBytes);
    return part.every((byte) => byte === part[0]) ? String.fromCharCode(part[0] || 46) : "?";
  }).join("");
};

it("keeps each page at its address, over rounds", async () => {
  await round(["pages", 1, "a", 3], ["pages", 5, "b"], ["go", 0]);
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

it("keeps what has come when the source is gone after a round", async () => {
  await round(["pages", 1, "a"], ["go", 0]);
  source.destroy();
  await sleep(50);
  expect((await store.look([run(1, 2)])).missing).toEqual([run(2)]);
});

it("refuses a round that is cut off, and all after it", async () => {
  await round(["pages", 1, "a"], ["go", 0]);
  source.end(block(frames(["pages", 1, "b"])));
  expect((await store.failed).message).toContain("did not arrive whole");
  await expect(store.look([])).rejects.toThrow("did not arrive whole");
});

it("asked in the middle of a round, it says that this has not arrived", async () => {
  source.write(block(frames(["pages", 1, "b"])));
  await sleep(50);
  await expect(store.look([])).rejects.toThrow("did not arrive whole");
});

it("takes blocks that are compressed, and frames that lie in two of them", async () => {
  const all = frames(["pages", 1, "a", 3], ["pages", 5, "b"], ["go", 0]);
  for (const part of [all.subarray(0, 5000), all.subarray(5000)]) source.write(block(part, zstdCompressSync(part)));
  await once(source, "data");
  expect(pages(6)).toBe(".aaa.b");
});

it.each([
  ["a block that is too large", Buffer.from([0, 16, 0, 0, 0, 16, 0, 0])],
  ["a block that is coded longer than it is", Buffer.from([0, 0, 0, 1, 0, 0, 0, 2])],
  ["a block that decodes to something else", block(Buffer.alloc(100), zstdCompressSync(Buffer.alloc(50)))],
  ["a block that decodes to more", block(Buffer.alloc(100), zstdCompressSync(Buffer.alloc(1 << 20)))],
  ["a block that cannot be decoded", block(Buffer.alloc(100), Buffer.alloc(50, "x"))],
])("refuses %s", async (_, bytes) => {
  source.write(block(frames(["pages", 1, "a"])));
  source.write(bytes);
  expect((await store.failed).message).toContain("did not arrive whole");
});

it("refuses frames that do not belong to a round, and says where there is no room", async () => {
  await expect(round(["arrived", 1])).rejects.toThrow("does not belong to a round");
  source.destroy();
  await store.close();
  const socket = join(folder, "other-socket");
  ({ store, source } = await plainStore(program, { folder: join(folder, "is-not-there"), socket }));
  await expect(round(["pages", 1, "a"], ["go", 0])).rejects.toMatchObject({ code: "ENOENT" });
});

it("ends where the process is killed that charges a cgroup: pages may be lost", async () => {
  const cgroup = mkdtempSync(join(folder, "cgroup-"));
  const object = 2 ** 40 + 5;
  const parts = [
    encodeFrame("object", 0, { task: object, first: pageBytes, count: 0 }),
    encodeFrame("pages", 0, { task: object, first: 0, count: 1 }),
    Buffer.alloc(pageBytes, "a"),
    encodeFrame("go", 0),
  ];
  await sendFrames(source, store, Buffer.concat(parts));
  // Nobody reads it, so the process waits there.
  execFileSync("mkfifo", [join(cgroup, "cgroup.procs")]);
  const charged = expect(store.charge(cgroup)).rejects.toMatchObject({ code: "EIO" });
  const socket = join(folder, "socket");
  const processes = () =>
    execFileSync("pgrep", ["-f", `store .* ${socket} plain$`], { encoding: "utf8" })
      .trim()
      .split("\n");
  await vi.waitFor(() => expect(processes()).toHaveLength(2), { timeout: 10_000 });
  process.kill(Math.max(...processes().map(Number)), "SIGKILL");
  await charged;
  await expect(round(["go", 0])).rejects.toThrow();
});

it("keeps shared objects in files where CRIU does not ask for them", async () => {
  source.destroy();
  await store.close();
  ({ store, source } = await plainStore(program, { folder }));
  const object = { task: 2 ** 40 + 77, first: 0, count: 0 };
  const parts = [
    encodeFrame("object", 0, { ...object, first: 2 * pageBytes + 10 }),
    encodeFrame("pages", 0, { ...object, first: 1, count: 2 }),
    Buffer.alloc(2 * pageBytes, "a"),
    encodeFrame("go", 0),
  ];
  await sendFrames(source, store, Buffer.concat(parts));
  const kept = readFileSync(join(folder, "77.object"));
  expect(kept.equals(Buffer.concat([Buffer.alloc(pageBytes), Buffer.alloc(pageBytes + 10, "a")]))).toBe(true);
});

const parent = 5;
/** Frames of a parent and its child, in a round. */
async function family(...parts: [of: number, type: FrameType, first: number, count: number, fill?: string][]) {
  const sent = parts.flatMap(([of, type, first, count, fill = ""]) => [
    encodeFrame(type, type === "same" ? parent : 0, { task: of, first, count }),
    ...(type === "pages" ? [Buffer.alloc(count * pageBytes, fill)] : []),
  ]);
  await sendFrames(source, store, Buffer.concat([...sent, encodeFrame("go", 0)]));
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
