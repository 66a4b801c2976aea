import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { libraryParts } from "../../scripts/c-programs.ts";
import { encodeFrame } from "../../src/memory/pages/frames.ts";
import type { MemoryStore } from "../../src/memory/rounds/memory-store.ts";
import { plainStore, sendFrames } from "./support/memory-pair.ts";
import { compileMemory } from "./support/memory-program.ts";

const page = 4096;
/** The number of a shared object: runtime/frames/frames.h. */
const sharedObjects = 2 ** 40;
const { folder, program, remove } = compileMemory();
const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const [library, criu, list] = ["godwit-criu.so", "criu", "list"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const images = mkdtempSync("/dev/shm/godwit-images-");
let store: MemoryStore;
let origin: Socket;

beforeAll(async () => {
  ({ store, source: origin } = await plainStore(program, { folder: images, socket: join(images, "shared.socket") }));
  execFileSync("cc", ["-shared", "-fPIC", "-fvisibility=hidden", "-o", library, ...libraryParts()]);
  execFileSync("cc", ["-o", criu, source("support/like-criu.c")]);
});
afterAll(async () => {
  origin.destroy();
  await store.close();
  rmSync(images, { recursive: true });
  remove();
});

/** Runs it; `then` is called with the segment's `DEVICE:ID` before it does what CRIU does. @returns the lines that it prints then */
async function likeCriu(what: string, bytes: number, then: (segment: string) => unknown): Promise<string[]> {
  const env = { LD_PRELOAD: library, GODWIT_SHARED_OBJECTS: list };
  const child = spawn(criu, [what, String(bytes), images], { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines: string[] = [];
  const output = createInterface(child.stdout).on("line", (line) => lines.push(line));
  await once(output, "line");
  await then(lines.splice(0)[0] ?? "");
  child.stdin.end("\n");
  await once(child, "close");
  return lines;
}

/** Sends the store an object of these pages: a letter for each, or `.` for zeros. */
async function has(inode: number, letters: string): Promise<void> {
  const task = sharedObjects + inode;
  const parts = [encodeFrame("object", 0, { task, first: letters.length * page, count: 0 })];
  for (const [first, letter] of [...letters].entries()) {
    if (letter === ".") continue;
    parts.push(encodeFrame("pages", 0, { task, first, count: 1 }), Buffer.alloc(page, letter));
  }
  await sendFrames(origin, store, Buffer.concat([...parts, encodeFrame("go", 0)]));
}

test("a dump finds a hole in the place of a segment that is listed, and the contents of others", async () => {
  expect(await likeCriu("dump", 3 * page, (segment) => writeFileSync(list, `0:7\n${segment}\n`))).toEqual(["hole"]);
  expect(await likeCriu("dump", 3 * page, (segment) => writeFileSync(list, `1${segment}\n`))).toEqual(["0"]);
});

test("a restore gets segments, to the end of their last page, and memfds from the store", async () => {
  const letters = "ab..cd";
  const said = await likeCriu("restore", 5 * page + 100, async (segment) => {
    const id = Number(segment.split(":")[1]);
    for (const number of [id, 7777]) {
      writeFileSync(join(images, `shared-${number}.img`), "");
      await has(number, letters);
    }
  });
  expect(said).toEqual([`${letters} 100`, `${letters} 100`]);
});

test("a restore fails where the segment has another size, or never came", async () => {
  const ofOtherSize = await likeCriu("restore", 3 * page, async (segment) => {
    const id = Number(segment.split(":")[1]);
    writeFileSync(join(images, `shared-${id}.img`), "");
    await has(id, "ab");
  });
  expect(ofOtherSize[0]).toBe("No data available");
  const unknown = await likeCriu("restore", 3 * page, (segment) =>
    writeFileSync(join(images, `shared-${segment.split(":")[1]}.img`), ""),
  );
  expect(unknown[0]).toBe("No data available");
});

test.each([
  ["left out", { GODWIT_SHARED_OBJECTS: "list" }, false],
  ["as CRIU packs it", {}, true],
])("files of a tmpfs: gzip is %s, and both can be unpacked", (_, more, isPacked) => {
  const [files, copy] = ["files", "copy"].map((name) => join(images, `${name}-${isPacked}`)) as [string, string];
  for (const path of [files, copy]) mkdirSync(path);
  writeFileSync(join(files, "file"), "ab".repeat(100_000));
  const env = { PATH: process.env.PATH, LD_PRELOAD: library };
  const pack = ["tar", "--create", "--gzip", "--sparse", "--directory", files, "."];
  const image = execFileSync(criu, pack, { env: { ...env, ...more } });
  expect(image.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))).toBe(isPacked);
  writeFileSync(join(images, "image"), image);
  const unpack = 'exec "$0" tar --extract --gzip --directory "$1" <"$2"';
  execFileSync("sh", ["-c", unpack, criu, copy, join(images, "image")], { env });
  expect(readFileSync(join(copy, "file"), "utf8")).toBe("ab".repeat(100_000));
});
