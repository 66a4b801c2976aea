import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Runs `work` while no other process runs work under the same lock file. The lock is held by a child that ends with
 * its standard input, so that it is free at once when this process dies, however it dies.
 */
export async function withLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  // A group of its own: Ctrl-C must not take the lock away from work that is still cleaning up.
  const holder = spawn("flock", [file, "sh", "-c", "echo; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const ended = once(holder, "close");
  const locked = Promise.race([
    once(holder.stdout, "data"),
    ended.then(() => Promise.reject(new Error(`flock ${file} ended`))),
  ]);
  locked.catch(() => {});
  const timer = new AbortController();
  delay(300, undefined, { signal: timer.signal }).then(onWait, () => {});
  try {
    await locked;
    timer.abort();
    return await work();
  } finally {
    timer.abort();
    holder.stdin.end();
    await ended.catch(() => {});
  }
}
