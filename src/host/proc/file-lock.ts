import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { commandFailed } from "./process.ts";

/** Of flock(1), where another process has the lock. */
const conflictStatus = 75;

/** A lock of this process. The kernel gives it up with the process, however that ends. */
export interface FileLock extends Disposable {
  taken: true;
}

/** @param holder process id of the one that has it, where that is known */
export type FileLockAnswer = FileLock | { taken: false; holder: string };

/**
 * Locks a file for this process alone; makes it where it is missing.
 * @throws command-failed where flock(1) does not work
 */
export async function lockFile(path: string): Promise<FileLockAnswer> {
  const fd = openSync(path, "a+", 0o600);
  const close = () => closeSync(fd);
  try {
    // The lock belongs to what was opened, here and in flock(1) alike: it stays when that has ended. Nothing else inherits it.
    const args = ["--nonblock", "--conflict-exit-code", String(conflictStatus), "0"];
    const flock = spawn("flock", args, { stdio: [fd, "ignore", "inherit"] });
    const status = await once(flock, "exit").then(
      ([code, signal]: (number | string | null)[]) => code ?? signal ?? "unknown",
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    if (status === 0) {
      ftruncateSync(fd);
      writeSync(fd, `${process.pid}\n`);
      return { taken: true, [Symbol.dispose]: close };
    }
    if (status !== conflictStatus) throw commandFailed("flock", status, "");
  } catch (error) {
    close();
    throw error;
  }
  close();
  return { taken: false, holder: readFileSync(path, "utf8").trim() };
}
