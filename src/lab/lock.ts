import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Runs `work` while no other process holds the lock `file`. Calls `onWait` once if the wait takes longer than 300 ms. A
 * child process holds the lock until its standard input closes: the lock is free as soon as this process ends, even if it
 * is killed.
 */
export async function withLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const timer = setTimeout(onWait, 300);
  try {
    // Ctrl-C must not release the lock while the work still cleans up: the child is in a process group of its own.
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

// The holder removes the file at its end. A process that waited may then lock a file that is already removed: it tries again.
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
