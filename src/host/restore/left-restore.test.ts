import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endLeftRestore } from "./arm.ts";

/** A program under another name, which prints a line once it runs. */
async function start(name: string, script: string, ...words: string[]): Promise<ChildProcess> {
  const child = spawn("perl", ["-e", `$| = 1; ${script}`, ...words], {
    argv0: name,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

test("a restore that an earlier agent began is ended: what brings its memory, and CRIU, which waits for that", async () => {
  const work = mkdtempSync(join(tmpdir(), "godwit-left-"));
  const other = mkdtempSync(join(tmpdir(), "godwit-left-"));
  const wait = 'print "on\\n"; sleep 1000';
  const memory = await start("/usr/local/lib/godwit/godwit-lazy-pages", wait, "/sys/fs/cgroup/x", work);
  const elsewhere = await start("/usr/local/lib/godwit/godwit-lazy-pages", wait, "/sys/fs/cgroup/x", other);
  // It ends when its child does, as runc does when CRIU has failed.
  const runc = await start("runc", 'if (!fork) { print "on\\n"; sleep 1000 } wait; exit 3', "restore", work);
  const ended = [memory, runc].map((child) => once(child, "exit"));
  try {
    await endLeftRestore(work);
    const [[, signal] = [], [status] = []] = await Promise.all(ended);
    expect([signal, status]).toEqual(["SIGKILL", 3]);
    expect(elsewhere.exitCode ?? elsewhere.signalCode).toBe(null);
    await endLeftRestore(work);
  } finally {
    elsewhere.kill("SIGKILL");
    for (const folder of [work, other]) rmSync(folder, { recursive: true });
  }
});
