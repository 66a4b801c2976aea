import { readdir, readFile } from "node:fs/promises";

/** Whether a process of this host was started with all of these words. */
export async function isStarted(...words: string[]): Promise<boolean> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands
    .map((command) => command.split("\0"))
    .some((command) => words.every((word) => command.includes(word)));
}
