import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import type { MemorySender, Round } from "../../../src/memory/rounds/memory-sender.ts";

const page = 4096;

/**
 * Private memory of a process that differs from the copy, in pages. What the copy does not have is zeros there. What is zeros there
 * must be zeros, or the file's: a restore asks for no page that belongs to the file.
 */
export function differences(copy: (page: number) => Buffer, pid: number): string[] {
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
      const expected = copy(at / page);
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

export const processesOf = (pids: number[]) =>
  pids.map((hostPid, i) => ({ hostPid, parent: 0, pid: i + 1, command: "restless", memoryBytes: 0 }));

/** One round, as a move makes it. */
export async function sendRound(sender: MemorySender, pids: number[], round: Round): Promise<void> {
  const { begun, arrived } = sender.send(processesOf(pids), round);
  await Promise.all([begun, arrived]);
}
