import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { memoryFile } from "../../src/host/criu/restore/lazy-orders.ts";
import { MemorySender } from "../../src/memory/rounds/memory-sender.ts";
import type { MemoryStore } from "../../src/memory/rounds/memory-store.ts";
import { Changing } from "./support/changing.ts";
import { differences, pagesIn, sendRound, standStill } from "./support/memory-copy.ts";
import { pairWith } from "./support/memory-pair.ts";
import { compileMemory } from "./support/memory-program.ts";

// Each way in which memory changes, by itself: the real program, and for each way a process that makes this one change between two
// rounds. What must be right is judged by the memory itself, page by page, while its processes stand still.
const page = 4096;
/** What each process has filled before the first round, in pages. */
const filled = 64;

/** Changes that are noticed in a process that is tracked. */
const noticed = [
  ...["write", "read", "dontneed", "free", "guard-lifted", "mremap", "mremap-over", "mremap-grown", "brk", "map-fixed"],
  ...["map-new", "protect", "huge", "huge-dontneed", "zero-page", "file", "file-dontneed", "hidden"],
];
/** Nothing can be read in the place of what is gone. */
const gone = ["guard", "unmap"];
/** Of a process that has no tracker since the change, of another one than that which has it, and of memory that has one already. */
const untracked = ["fork", "sharer", "sharer-born", "execve", "own-userfaultfd"];
const impossible = { traced: "EPERM", vfork: "ETIMEDOUT" };
const shared = ["memfd-write", "memfd-punch", "memfd-grow", "memfd-unmap", "memfd-exit"];

const { folder, program, remove } = compileMemory("memory-changes");
/** In memory, because the file of a process is as large as its addresses. */
const copies = mkdtempSync("/dev/shm/godwit-changes-");
const socket = join(copies, "socket");
const sender = new MemorySender(program, "changing");
let store: MemoryStore;
const started: Changing[] = [];

const [major = 0, minor = 0] = release().split(".").map(Number);
const isSince = (wanted: number) => major > 6 || (major === 6 && minor >= wanted);
const canTrack = isSince(7);
/** Guard pages came with Linux 6.13. */
const known = (kind: string) => isSince(13) || !kind.startsWith("guard");

beforeEach(({ skip }) => {
  skip(!canTrack, "PAGEMAP_SCAN came with Linux 6.7");
});
beforeAll(async () => {
  if (!canTrack) return;
  store = await pairWith(sender, program, { folder: copies, socket });
  await changeAll([...noticed, ...gone, ...untracked, ...Object.keys(impossible)].filter(known));
  await changeObjects(shared);
}, 180_000);
afterAll(async () => {
  await sender[Symbol.asyncDispose]();
  await store?.close();
  for (const changing of started) changing.end();
  remove();
  rmSync(copies, { recursive: true });
});

interface Changed {
  /** Why it could not be tracked: the system's code. */
  code: string | undefined;
  /** Pages of the copy after the first round, and after the last one. */
  before: number;
  after: number;
  /** What differed between memory and copy after the change, and after the last round. */
  stale: string[];
  wrong: string[];
  /** Bytes that were to be sent after the change, of each process. */
  left: number[];
}
const changes = new Map<string, Changed>();

const own = { isPrivate: true, isShared: false } as const;

/** All of them in the same rounds: most of the time would be that of rounds. */
async function changeAll(kinds: string[]): Promise<void> {
  const all = kinds.map((kind, i) => ({ kind, task: 10 * i + 1, ...newChange(kind) }));
  const send = (state: "live" | "frozen") => {
    const pids = all.flatMap(({ changing }) => changing.pids);
    const tasks = all.flatMap(({ changing, task }) => changing.pids.map((_, i) => task + i));
    return sendRound(sender, pids, { state, isVerified: state === "frozen", ...own }, tasks);
  };
  const compare = ({ changing, task }: (typeof all)[number]) =>
    changing.pids.flatMap((pid, i) => differences(pagesIn(memoryFile(copies, task + i)), pid));
  // In blocks of 512 bytes: a file in memory has those of its pages that are no holes.
  const size = (task: number) => (statSync(memoryFile(copies, task)).blocks * 512) / page;
  for (const { changing, changed } of all) {
    await changing.ready();
    await sender.track(changing.pid).catch(({ code }) => {
      changed.code = code;
    });
  }
  await send("live");
  for (const { task, changed } of all) changed.before = size(task);
  for (const { kind, changing } of all) if (kind !== "vfork") await changing.change();
  await standStill(...all.flatMap(({ changing }) => changing.pids));
  for (const each of all) {
    for (const pid of each.changing.pids) each.changed.left.push(await sender.changed([pid]));
  }
  // Memory is read after the last round only: to read a page that is not there makes one.
  const stale = join(copies, "stale");
  mkdirSync(stale);
  execFileSync("cp", ["--sparse=always", ...all.map(({ task }) => memoryFile(copies, task)), stale]);
  await send("frozen");
  for (const each of all) {
    each.changed.wrong = compare(each);
    each.changed.stale = differences(pagesIn(memoryFile(stale, each.task)), each.changing.pid);
    each.changed.after = size(each.task);
  }
}

function newChange(kind: string) {
  const changing = new Changing(join(folder, "memory-changes"), kind, join(copies, `file-${kind}`));
  started.push(changing);
  const changed: Changed = { code: undefined, before: 0, after: 0, stale: [], wrong: [], left: [] };
  changes.set(kind, changed);
  return { changing, changed };
}

const changeOf = (kind: string): Changed => {
  const changed = changes.get(kind);
  if (!changed) throw new Error(`Nothing has changed in the way ${kind}.`);
  return changed;
};

/** What of each kind the store said before the last round, and after it. */
const objects = new Map<string, { stale: string; after: string }>();

async function changeObjects(kinds: string[]): Promise<void> {
  const all = kinds.map((kind) => ({ kind, ...newChange(kind) }));
  const pids = all.map(({ changing }) => changing.pid);
  for (const { changing } of all) await changing.ready();
  const only = { isPrivate: false, isShared: true };
  await sendRound(sender, pids, { state: "live", ...only });
  for (const { changing } of all) await changing.change();
  await standStill(...pids);
  const stale = pids.map(compareObjects);
  await sendRound(sender, pids, { state: "frozen", isVerified: true, ...only, list: join(copies, "objects") });
  for (const [i, { kind, changing }] of all.entries()) {
    objects.set(kind, { stale: stale[i] ?? "", after: compareObjects(changing.pid) });
  }
}

const compare = fileURLToPath(new URL("support/compare-objects.py", import.meta.url));

/** What differs between a process's shared objects and the store. */
function compareObjects(pid: number): string {
  const mapped = readdirSync(`/proc/${pid}/map_files`).map((name) => statSync(`/proc/${pid}/map_files/${name}`));
  const list = join(copies, `objects-of-${pid}`);
  writeFileSync(list, mapped.flatMap(({ ino, nlink }) => (nlink === 0 ? `0:${ino}\n` : [])).join(""));
  try {
    return execFileSync("python3", [compare, socket, list, String(pid)], { encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

describe("noticed: the copy misses the change, and is the memory after the last round", () => {
  test.each(noticed.filter(known))("%s", (kind) => {
    const { code, before, stale, wrong } = changeOf(kind);
    expect(code).toBeUndefined();
    expect(before).toBeGreaterThan(filled);
    expect(stale).not.toEqual([]);
    expect(wrong).toEqual([]);
  });

  test.each(gone.filter(known))("%s: what is gone leaves the copy", (kind) => {
    const { before, after, wrong } = changeOf(kind);
    expect(after).toBeLessThanOrEqual(before - 8);
    expect(wrong).toEqual([]);
  });

  test("only what has changed is sent", () => {
    const [left = 0] = changeOf("write").left;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan((filled / 2) * page);
  });

  test.each(shared)("%s, of memory that is shared", (kind) => {
    const { stale = "", after } = objects.get(kind) ?? {};
    expect(stale).toMatch(/ differs at | bytes, the store /);
    expect(after).toBe("1 objects and 0 segments are equal\n");
  });
});

describe("by rule: memory that is not tracked goes as a whole", () => {
  test.each(untracked)("%s", (kind) => {
    const { code, left, wrong } = changeOf(kind);
    expect(code).toBeUndefined();
    expect(left.at(-1)).toBeGreaterThan(filled * page);
    expect(wrong).toEqual([]);
  });

  test.each(Object.entries(impossible))("%s: it cannot be tracked, which says %s", (kind, expected) => {
    const { code, left, wrong } = changeOf(kind);
    expect(code).toBe(expected);
    expect(left.at(-1)).toBeGreaterThan(filled * page);
    expect(wrong).toEqual([]);
  });
});

test("refused: a process with buffers of io_uring, which devices write to", async () => {
  const { changing } = newChange("pinned");
  await changing.ready();
  await sender.track(changing.pid);
  expect(await sender.isPinned(changing.pid)).toBe(false);
  await changing.change();
  expect(await sender.isPinned(changing.pid)).toBe(true);
  await expect(sender.track(changing.pid)).rejects.toMatchObject({ code: "EBUSY" });
  expect(await sender.changed([changing.pid])).toBeGreaterThan(filled * page);
});

test.each(["zombie", "dead-leader"])("refused: %s", async (kind) => {
  const { changing } = newChange(kind);
  await changing.ready();
  const pid = changing.pids.at(-1) ?? 0;
  await expect(sender.track(pid)).rejects.toThrow();
});
