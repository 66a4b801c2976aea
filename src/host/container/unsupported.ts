import { readdir, readFile, readlink, statfs } from "node:fs/promises";
import type { ContainerFacts } from "../../contract/facts.ts";

/** File systems by the magic number of statfs(2): POSIX message queues are files of the first one. */
const mqueueKind = 0x19800202;
const procKind = 0x9fa0;

type Open = Pick<ContainerFacts, "unsupported" | "unrestorable">;

/**
 * What processes have open that CRIU cannot dump, or dumps and cannot restore as it was; none twice. Not all of it: what is not known
 * here CRIU refuses itself when it dumps.
 */
export async function openFiles(pids: number[]): Promise<Open> {
  const threads = once(() => threadsOf(pids));
  const found = (await Promise.all(pids.map((pid) => ofProcess(pid, threads)))).flat();
  const of = (kind: keyof Open) =>
    [...new Set(found.map((one) => one[kind]).filter((one) => one !== undefined))].sort();
  return { unsupported: of("unsupported"), unrestorable: of("unrestorable") };
}

type One = { [kind in keyof Open]?: string };

async function ofProcess(pid: number, threads: () => Promise<Set<string>>): Promise<One[]> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const found = files.map(async (file): Promise<One> => {
    const target = await readlink(`${folder}/${file}`);
    if (target === "anon_inode:[io_uring]") return { unsupported: "an io_uring" };
    if (target === "anon_inode:[eventfd]")
      return (await isSemaphore(`/proc/${pid}/fdinfo/${file}`))
        ? { unrestorable: "an eventfd used as a semaphore" }
        : {};
    // Its path is its name from the root of a mount that is not to be seen anywhere.
    if (/^\/[^/]+$/.test(target) && (await kindOf(`${folder}/${file}`)) === mqueueKind)
      return { unsupported: `the POSIX message queue ${target}` };
    if (inProc.test(target) && (await kindOf(`${folder}/${file}`)) === procKind)
      return isLostInProc(target, await threads()) ? { unrestorable: target } : {};
    return {};
  });
  return Promise.all(found.map((one) => one.catch(() => ({}))));
}

/** A file of procfs that is of a process or a thread. */
const inProc = /^\/proc\/(\d+)(\/task\/(\d+)(?=\/|$)|\/|$)/;

/**
 * Whether CRIU cannot open a file of procfs again: it makes threads after it has opened files, and does not find the folder of a
 * process. All others it can, also of processes that have ended.
 * @param threads ids of all threads but the first ones of processes, as the container sees them
 */
export function isLostInProc(path: string, threads: ReadonlySet<string>): boolean {
  const [found, process, , thread] = inProc.exec(path) ?? [];
  if (process === undefined || path.endsWith(" (deleted)")) return false;
  if (thread !== undefined) return thread !== process;
  return found === path || threads.has(process);
}

async function threadsOf(pids: number[]): Promise<Set<string>> {
  const ids = pids.map(async (pid) => {
    const threads = (await readdir(`/proc/${pid}/task`).catch(() => [])).filter((thread) => Number(thread) !== pid);
    return Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/status`, "utf8").catch(() => "")));
  });
  const own = (await Promise.all(ids)).flat().map((status) => /^NSpid:.*\s(\d+)$/m.exec(status)?.[1]);
  return new Set(own.filter((id) => id !== undefined));
}

/** Asks the first time it is called, and never again. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

const kindOf = async (path: string) => (await statfs(path)).type;

/** CRIU restores it as an eventfd that is read all at once. Kernels before 6.5 do not tell. */
async function isSemaphore(info: string): Promise<boolean> {
  return /^eventfd-semaphore:\s*1$/m.test(await readFile(info, "utf8"));
}
