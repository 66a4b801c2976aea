import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, afterEach, beforeEach } from "vitest";
import { memoryFile } from "../../../src/host/criu/restore/lazy-orders.ts";
import type { MemorySender } from "../../../src/memory/rounds/memory-sender.ts";
import type { MemoryStore } from "../../../src/memory/rounds/memory-store.ts";
import { pairWith } from "./memory-pair.ts";
import { compileMemory } from "./memory-program.ts";

/** godwit-memory, a program that changes its memory all the time, and others by name. What a test starts ends after it. */
export function useRestless(...programs: string[]) {
  const { folder, program, remove } = compileMemory("restless-memory", ...programs);
  /** In memory, because the file of a process is as large as its addresses. */
  const memory = mkdtempSync("/dev/shm/godwit-rounds-");
  const socket = join(memory, "socket");
  const children: ChildProcess[] = [];
  const stores: MemoryStore[] = [];

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "close");
    }
    for (const store of stores.splice(0)) await store.close();
    rmSync(memoryFile(memory, 1), { force: true });
  });
  afterAll(() => {
    remove();
    rmSync(memory, { recursive: true });
  });
  const [major = 0, minor = 0] = release().split(".").map(Number);
  beforeEach(({ skip }) => {
    skip(major < 6 || (major === 6 && minor < 7), "PAGEMAP_SCAN came with Linux 6.7");
  });

  /** Starts the restless program, in a shell that has done something before. @returns its process id */
  async function start(seed: number, before = ""): Promise<number> {
    const script = `${before} exec "$0" ${seed} "$1"`;
    const child = spawn("sh", ["-c", script, join(folder, "restless-memory"), join(folder, `file-${seed}`)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    await once(child.stdout as Readable, "data");
    return child.pid ?? 0;
  }

  async function storeOf(
    sender: MemorySender,
    options: { level?: number; sourceKey?: string } = {},
  ): Promise<MemoryStore> {
    const store = await pairWith(sender, program, { folder: memory, socket }, options);
    stores.push(store);
    return store;
  }

  return { folder, program, memory, socket, start, storeOf, children };
}
