import { readdir, readFile } from "node:fs/promises";
import { ifGone } from "./gone.ts";

export interface StartedProcess {
  pid: number;
  /** Of its command line. */
  words: string[];
}

/**
 * The processes of this host that were started with all of these words. One that has ended and was not waited for has no words.
 * @throws the system's error where that cannot be told
 */
export async function startedWith(...words: string[]): Promise<StartedProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const commands = pids.map(async (pid) => {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(ifGone(""));
    return { pid, words: line.split("\0") };
  });
  return (await Promise.all(commands)).filter((found) => words.every((word) => found.words.includes(word)));
}

/** Whether a process of this host was started with all of these words. */
export async function isStarted(...words: string[]): Promise<boolean> {
  return (await startedWith(...words)).length > 0;
}

/** What a process has started, and that has not ended. */
export async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(ifGone<string[]>([]));
  const listed = tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, "utf8").catch(ifGone("")));
  return (await Promise.all(listed)).flatMap((line) => line.split(" ").filter(Boolean).map(Number));
}

/** As `childrenOf`, with theirs and so on. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}
