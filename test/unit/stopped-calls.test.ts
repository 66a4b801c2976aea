import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

test.runIf(process.arch === "x64")("of calls that wait, those are made again that lose nothing by it", () => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-calls-"));
  const program = join(folder, "stopped-calls");
  try {
    const sources = ["support/stopped-calls.c", "../../runtime/ptrace/restart.c"].map(path);
    execFileSync("cc", ["-O1", "-Wall", "-o", program, ...sources]);
    const lines = execFileSync(program, { encoding: "utf8", timeout: 60_000 }).trim().split("\n");
    // The numbers of x86-64 for nanosleep, clock_nanosleep, poll, epoll_wait, semop or semtimedop, and write.
    const calls = ["nanosleep, time left: 35", "nanosleep: left", "clock_nanosleep, time left: 230"];
    calls.push("clock_nanosleep: left", "poll: 7", "poll of nothing: 7", "poll of 128 files: 7");
    calls.push("poll with a timeout: left", "futex: left", "futex, value -1: left", "pause: left");
    const interrupted = ["epoll_wait: 232", "epoll_wait with a timeout: left"];
    interrupted.push(expect.stringMatching(/^semop: (65|220)$/), "write to a socket with a timeout: 1");
    // After a stop before, a poll of so many files can be a futex.
    const again = calls.map((line) => line.replace(/(128 files).*/, "$1: left"));
    expect(lines).toEqual([...calls, ...interrupted, ...again]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
