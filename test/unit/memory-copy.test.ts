import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { MemoryCopy } from "../../src/memory/rounds/memory-copy.ts";
import { compileMemory } from "./support/memory-program.ts";

// What a round must copy is in test/unit/memory-rounds.test.ts.
const { program, folder: programs, remove } = compileMemory("restless-memory");
let folder = "";
let child: ChildProcess;
beforeEach(async () => {
  folder = mkdtempSync("/dev/shm/godwit-copy-");
  child = spawn(join(programs, "restless-memory"), ["1", join(folder, "file")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout as Readable, "data");
});
afterEach(async () => {
  child.kill("SIGKILL");
  await once(child, "close");
  rmSync(folder, { recursive: true });
});
afterAll(remove);

const process = () => ({ hostPid: child.pid ?? 0, pid: 7, parent: 1, command: "restless", memoryBytes: 0 });
const round = { state: "live", isPrivate: true, isShared: false } as const;

it("says how many bytes a round had", async () => {
  await using copy = await MemoryCopy.make(program, folder, "test");
  const first = await copy.send([process()], round).sent;
  expect(first).toBeGreaterThan(2 ** 16);
  child.kill("SIGSTOP");
  // It is not tracked, and gives all of its memory again.
  expect(await copy.send([process()], round).sent).toBeGreaterThan(2 ** 16);
});

it("says that there is no room, as the system does", async () => {
  await using copy = await MemoryCopy.make(program, folder, "test");
  // The file of this process cannot be made.
  writeFileSync(join(folder, "7.memory"), "");
  const { begun, sent } = copy.send([process()], round);
  await expect(sent).rejects.toMatchObject({ code: "EEXIST" });
  await Promise.allSettled([begun]);
});

it("ends with the reason of its signal, before a round and within it", async () => {
  const reason = new Error("cancelled by its user");
  await using copy = await MemoryCopy.make(program, folder, "test");
  const abort = new AbortController();
  const { sent } = copy.send([process()], round, abort.signal);
  abort.abort(reason);
  await expect(sent).rejects.toBe(reason);
  await using other = await MemoryCopy.make(program, folder, "test");
  await expect(other.send([process()], round, abort.signal).sent).rejects.toBe(reason);
});
