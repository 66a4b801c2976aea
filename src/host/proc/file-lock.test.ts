import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FileLock, lockFile } from "./file-lock.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "godwit-lock-"));
  path = join(folder, "agent.lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a file is locked once, until the lock is given up; who has it is told", async () => {
  const first = await lockFile(path);
  expect(first.taken).toBe(true);
  expect(await lockFile(path)).toEqual({ taken: false, holder: String(process.pid) });
  (first as FileLock)[Symbol.dispose]();
  const second = await lockFile(path);
  expect(second.taken).toBe(true);
  (second as FileLock)[Symbol.dispose]();
});

test("what its process starts does not keep a lock", async () => {
  const first = (await lockFile(path)) as FileLock;
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  try {
    first[Symbol.dispose]();
    const second = await lockFile(path);
    expect(second.taken).toBe(true);
    (second as FileLock)[Symbol.dispose]();
  } finally {
    child.kill();
  }
});
