import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  globSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
} from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { MemoryTracker } from "../../src/memory/tracker.ts";
import { isFullRun } from "../e2e/support/full-run.ts";

// The real program and a real process. What must be right is judged by the process's own memory, read page by page while it stands still.
const page = 4096;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "godwit-tracker-"));
const program = join(folder, "godwit-memory");
const restless = join(folder, "restless-memory");
const children: ChildProcess[] = [];

beforeAll(() => {
  const cc = (...args: string[]) =>
    execFileSync("cc", ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-o", ...args]);
  cc(program, "-g", "-fsanitize=address,undefined", ...globSync(here("../../runtime/{memory,ptrace}/*.c")));
  cc(restless, "-pthread", here("support/restless-memory.c"));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "close");
  }
});
afterAll(() => rmSync(folder, { recursive: true }));
const [major = 0, minor = 0] = release().split(".").map(Number);
beforeEach(({ skip }) => {
  skip(major < 6 || (major === 6 && minor < 7), "PAGEMAP_SCAN came with Linux 6.7");
});

/** Starts the program, in a shell that has done something before. @returns its process id */
async function start(seed: number, before = ""): Promise<number> {
  const script = `${before} exec "$0" ${seed} "$1"`;
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const child = spawn("sh", ["-c", script, restless, join(folder, `file-${seed}`)], { stdio: [...stdio] });
  children.push(child);
  await once(child.stdout as Readable, "data");
  return child.pid ?? 0;
}

/** Copies what changed, as a move would. @returns the runs that could not be read any more */
function copyInto(copy: Map<number, Buffer>, pid: number, runs: { first: number; count: number; isSent: boolean }[]) {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const lost: { first: number; count: number }[] = [];
  for (const { first, count, isSent } of runs) {
    for (let at = first; at < first + count; at++) {
      copy.delete(at);
      if (!isSent) continue;
      const bytes = Buffer.alloc(page);
      try {
        if (readSync(memory, bytes, 0, page, at * page) !== page) throw new Error("a part");
        copy.set(at, bytes);
      } catch {
        lost.push({ first: at, count: 1 });
      }
    }
  }
  closeSync(memory);
  return lost;
}

/** Private memory of a process that differs from the copy, in pages. What is not in the copy must be zero, or the file's. */
function differences(copy: Map<number, Buffer>, pid: number): string[] {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const found: string[] = [];
  const bytes = Buffer.alloc(page);
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
    const [, from = "", to = "", offset = "0", inode, name = ""] =
      /^(\w+)-(\w+) ...p (\w+) \S+ (\d+) *(.*)/.exec(line) ?? [];
    if (from === "" || /^\[v(var|dso|syscall)/.test(name)) continue;
    const file = inode === "0" ? undefined : openSync(name.replace(/ \(deleted\)$/, ""), "r");
    for (let at = Number.parseInt(from, 16); at < Number.parseInt(to, 16); at += page) {
      try {
        if (readSync(memory, bytes, 0, page, at) !== page) continue;
      } catch {
        continue;
      }
      const expected = copy.get(at / page) ?? Buffer.alloc(page);
      if (file !== undefined && !copy.has(at / page))
        readSync(file, expected, 0, page, Number.parseInt(offset, 16) + at - Number.parseInt(from, 16));
      if (!bytes.equals(expected)) found.push(`${at.toString(16)} of ${line}`);
    }
    if (file !== undefined) closeSync(file);
  }
  closeSync(memory);
  return found;
}

const filesOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));

test.each(isFullRun ? [1, 2, 3, 4, 5, 6] : [1, 2])(
  "after rounds beside a restless program, the copy is its memory (seed %d)",
  async (seed) => {
    const pid = await start(seed);
    await using tracker = new MemoryTracker(program);
    await tracker.track(pid);
    const copy = new Map<number, Buffer>();
    for (let round = 0; round < 6; round++) {
      for (const run of copyInto(copy, pid, await tracker.round(pid, "live"))) tracker.forget(pid, run);
      await sleep(30);
    }
    process.kill(pid, "SIGSTOP");
    await sleep(50);
    const last = await tracker.round(pid, "frozen");
    copyInto(copy, pid, last);
    expect(differences(copy, pid)).toEqual([]);
    // Most of its memory was not sent again.
    const sent = last.reduce((sum, { count, isSent }) => sum + (isSent ? count : 0), 0);
    expect(sent).toBeLessThan(copy.size);
  },
);

/** Flags of all mappings of a process: `uw` where writes are followed. */
const isFollowed = (pid: number) => / uw( |$)/m.test(readFileSync(`/proc/${pid}/smaps`, "utf8"));

test("a tracker that is killed leaves the program as it was", async () => {
  const pid = await start(4);
  const tracker = new MemoryTracker(program);
  await tracker.track(pid);
  await tracker.round(pid, "live");
  expect(isFollowed(pid)).toBe(true);
  process.kill(tracker.pid, "SIGKILL");
  await expect(tracker.round(pid, "live")).rejects.toMatchObject({ code: "command-failed" });
  await vi.waitFor(() => expect(isFollowed(pid)).toBe(false), { timeout: 10_000 });
  expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/TracerPid:\t0$/m);
  expect(filesOf(pid)).not.toContain("anon_inode:[userfaultfd]");
});

test("a process that nobody tracks gives all of its memory in each round, as one that was born meanwhile", async () => {
  const pid = await start(5);
  process.kill(pid, "SIGSTOP");
  await sleep(50);
  await using tracker = new MemoryTracker(program);
  for (let round = 0; round < 2; round++) {
    const copy = new Map<number, Buffer>();
    copyInto(copy, pid, await tracker.round(pid, "frozen"));
    expect(differences(copy, pid)).toEqual([]);
  }
});

test("says why a process cannot be tracked", async () => {
  await using tracker = new MemoryTracker(program);
  const pid = await start(6);
  const [child] = children;
  child?.kill("SIGKILL");
  await once(child as ChildProcess, "close");
  await expect(tracker.track(pid)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(tracker.round(pid, "live")).rejects.toMatchObject({ code: "ENOENT" });
});

test("a program that may not open another file is not tracked, and runs on", async () => {
  const pid = await start(7, "ulimit -n 4;");
  await using tracker = new MemoryTracker(program);
  await expect(tracker.track(pid)).rejects.toMatchObject({ code: "EMFILE" });
  await sleep(100);
  expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/State:\t[RS] [\s\S]*TracerPid:\t0$/m);
});
