import { readdir, readFile, readlink, statfs } from "node:fs/promises";
import type { ContainerFacts } from "../../contract/facts.ts";

/** Magic numbers of file systems, as statfs(2) gives them. POSIX message queues are files of the first one. */
const mqueueKind = 0x19800202;
const procKind = 0x9fa0;

type Open = Pick<ContainerFacts, "unsupported" | "unrestorable">;

/**
 * Open files of processes that CRIU cannot dump (`unsupported`), or cannot restore as they were (`unrestorable`). No text occurs
 * twice. The list is not complete: CRIU itself refuses the other kinds when it dumps.
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
    if (target.startsWith("pipe:"))
      return (await isInPackets(`/proc/${pid}/fdinfo/${file}`))
        ? { unsupported: "a pipe in packet mode (O_DIRECT)" }
        : {};
    // The path of a message queue starts at the root of its mount, which the process may not see.
    if (/^\/[^/]+$/.test(target) && (await kindOf(`${folder}/${file}`)) === mqueueKind)
      return { unsupported: `the POSIX message queue ${target}` };
    if (inProc.test(target) && (await kindOf(`${folder}/${file}`)) === procKind)
      return isLostInProc(target, await threads()) ? { unrestorable: target } : {};
    return {};
  });
  return Promise.all(found.map((one) => one.catch(() => ({}))));
}

/** A file of procfs that belongs to a process or a thread. */
const inProc = /^\/proc\/(\d+)(\/task\/(\d+)(?=\/|$)|\/|$)/;

/**
 * Whether CRIU cannot open this file of procfs again. It fails for files of threads, because it opens files before it makes threads,
 * and for the folder of a process itself. It can open all other files, also those of processes that have ended.
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

/** Calls `ask` at the first call only. Every call gets that answer. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

const kindOf = async (path: string) => (await statfs(path)).type;

/** O_DIRECT, among the flags of an open pipe. */
const packetFlag = 0o40000;

async function isInPackets(info: string): Promise<boolean> {
  const flags = /^flags:\s*([0-7]+)$/m.exec(await readFile(info, "utf8"))?.[1];
  return (Number.parseInt(flags ?? "0", 8) & packetFlag) !== 0;
}

/** CRIU restores a semaphore as an ordinary eventfd, which one read empties. Kernels before 6.5 do not show the difference. */
async function isSemaphore(info: string): Promise<boolean> {
  return /^eventfd-semaphore:\s*1$/m.test(await readFile(info, "utf8"));
}
