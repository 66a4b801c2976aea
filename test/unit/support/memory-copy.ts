import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { MemorySender, Round } from "../../../src/memory/rounds/memory-sender.ts";

const page = 4096;

/** As a move finds them. `tasks` are the numbers of their copies. */
export const processesOf = (pids: number[], tasks = pids.map((_, i) => i + 1)) =>
  pids.map((hostPid, i) => ({ hostPid, pid: tasks[i] ?? 0, parent: 0, command: "restless", memoryBytes: 0 }));

/** One round, as a move makes it. */
export async function sendRound(sender: MemorySender, pids: number[], round: Round, tasks?: number[]): Promise<void> {
  const { begun, arrived } = sender.send(processesOf(pids, tasks), round);
  await Promise.all([begun, arrived]);
}

export async function standStill(...pids: number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  await sleep(50);
}

/** Pages by the number of their address. */
type Pages = Pick<Map<number, Buffer>, "get">;

/** The pages of a process's file in the store: a hole reads as zeros. */
export const pagesIn = (file: string): Pages => ({
  get(number) {
    const bytes = Buffer.alloc(page);
    const open = openSync(file, "r");
    readSync(open, bytes, 0, page, number * page);
    closeSync(open);
    return bytes;
  },
});

/**
 * Private memory of a process that differs from the copy, in pages. What is not in the copy, or is zero there, must be zero, or the
 * file's: a restore asks for no page that belongs to the file.
 */
export function differences(copy: Pages, pid: number): string[] {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const found: string[] = [];
  const [bytes, ofFile, zeros] = [Buffer.alloc(page), Buffer.alloc(page), Buffer.alloc(page)];
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
      const expected = copy.get(at / page) ?? zeros;
      if (bytes.equals(expected)) continue;
      if (file === undefined || !expected.equals(zeros)) found.push(`${at.toString(16)} of ${line}`);
      else {
        readSync(file, ofFile, 0, page, Number.parseInt(offset, 16) + at - Number.parseInt(from, 16));
        if (!bytes.equals(ofFile)) found.push(`${at.toString(16)} of ${line}`);
      }
    }
    if (file !== undefined) closeSync(file);
  }
  closeSync(memory);
  return found;
}

/** The pages of the file that are no holes, as another tool sees them. */
export function readStore(file: string): Map<number, Buffer> {
  const copy = new Map<number, Buffer>();
  const open = openSync(file, "r");
  const found = execFileSync("python3", ["-c", holes, file], { encoding: "utf8" });
  for (const line of found.trim().split("\n")) {
    const [from = 0, to = 0] = line.split(" ").map(Number);
    for (let at = from; at < to; at += page) {
      const bytes = Buffer.alloc(page);
      readSync(open, bytes, 0, page, at);
      copy.set(at / page, bytes);
    }
  }
  closeSync(open);
  return copy;
}
const holes = `import os, sys
f = os.open(sys.argv[1], os.O_RDONLY)
at = 0
try:
    while True:
        at = os.lseek(f, at, os.SEEK_DATA)
        end = os.lseek(f, at, os.SEEK_HOLE)
        print(at, end)
        at = end
except OSError:
    pass`;
