import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Runs `work` while no other process runs work under the same lock file. The lock is held by a child that ends with
 * its standard input, so that it is free at once when this process dies, however it dies.
 */
export async function withLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const timer = setTimeout(onWait, 300);
  try {
    // A group of its own: Ctrl-C must not take the lock away from work that is still cleaning up.
    const holder = spawn("sh", ["-c", holdScript, file], { stdio: ["pipe", "pipe", "inherit"], detached: true });
    const ended = once(holder, "close");
    const refused = ended.then(() => Promise.reject(new Error(`no lock on ${file}`)));
    await Promise.race([once(holder.stdout, "data"), refused]);
    clearTimeout(timer);
    try {
      return await work();
    } finally {
      holder.stdin.end();
      await ended;
    }
  } finally {
    clearTimeout(timer);
  }
}

// The file goes away with the lock, and so one that was removed meanwhile is no lock any more.
const holdScript = `
  while :; do
    exec 9>"$0"
    flock 9 || exit
    [ "$0" -ef /proc/self/fd/9 ] && break
  done
  echo
  cat
  rm -f "$0"
`;
