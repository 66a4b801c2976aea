import { access } from "node:fs/promises";

/** Codes of the system's errors for what does not exist, or has gone while it was read. */
const gone = new Set(["ENOENT", "ENOTDIR", "ESRCH", "ENODEV"]);

/** Whether an error says that something is not there. Any other error (EMFILE, EACCES, EIO) says nothing about it. */
export function isGone(error: unknown): boolean {
  return gone.has((error as NodeJS.ErrnoException | undefined)?.code ?? "");
}

/** For `.catch`: `value` where the error says that something is not there; throws every other error again. */
export function ifGone<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isGone(error)) return value;
    throw error;
  };
}

/** @throws the system's error where that cannot be told */
export async function isThere(path: string): Promise<boolean> {
  return access(path).then(() => true, ifGone(false));
}
