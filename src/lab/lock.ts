import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Runs `work` while no other process runs work under the same lock file. A child holds the lock and ends with its standard
 * input: however this process dies, the lock is free at once.
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

// The holder removes the file at its end. A lock on a file that was removed meanwhile locks nothing: it is taken again.
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
