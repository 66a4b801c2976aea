import { readdir, readFile, readlink, stat, statfs } from "node:fs/promises";
import type { ContainerFacts } from "../../contract/facts.ts";
import { asMapFile } from "../proc/map-files.ts";
import { mountsOf } from "../proc/mountinfo.ts";
import type { ContainerProcess } from "../proc/processes.ts";
import { Looker } from "../quiet/look.ts";
import { lostTerminal, ownTerminal } from "./terminals.ts";

/** Kinds of files without a name that CRIU (4.2) can dump. It can dump BPF maps only where it was built for them; Debian's is not. */
const dumpable = ["[eventfd]", "[eventpoll]", "inotify", "[fanotify]", "[signalfd]", "[timerfd]", "[pidfd]"];
const others: Record<string, string | undefined> = {
  "[io_uring]": "an io_uring",
  "[perf_event]": "a performance counter",
  "bpf-map": "a BPF map",
  "[userfaultfd]": "a userfaultfd",
  "[landlock-ruleset]": "a Landlock ruleset",
};

/** Magic numbers of file systems, as statfs(2) gives them. POSIX message queues are files of the first one, secret memory of the second. */
const mqueueKind = 0x19800202;
const secretKind = 0x5345434d;
const tmpfsKind = 0x01021994;
const overlayKind = 0x794c7630;
const procKind = 0x9fa0;

type Open = Pick<ContainerFacts, "unsupported" | "unrestorable">;

/**
 * Open files of processes that CRIU cannot dump (`unsupported`), or cannot restore as they were (`unrestorable`). No text occurs
 * twice. The list is not complete: CRIU itself refuses the other kinds when it dumps.
 */
export async function openFiles(processes: ContainerProcess[]): Promise<Open> {
  const pids = processes.map(({ hostPid }) => hostPid);
  const threads = once(() => threadsOf(pids));
  const filesOf = async (process: ContainerProcess) =>
    (await ofProcess(process.hostPid, threads)).map((one) => ({ ...one, process }));
  const [files, sockets] = await Promise.all([Promise.all(processes.map(filesOf)), foreignSockets(processes)]);
  const found = files.flat();
  const unsupported = holders(
    found.flatMap(({ unsupported, process }) => (unsupported ? [[unsupported, process]] : [])),
  );
  const unrestorable = found.flatMap((one) => one.unrestorable ?? []);
  return {
    unsupported: [...new Set([...sockets, ...unsupported])].sort(),
    unrestorable: [...new Set(unrestorable)].sort(),
  };
}

/** Each thing once, with the process that has it: `a BPF map (process 7, loader, and 2 others)`. */
export function holders(found: [what: string, process: Pick<ContainerProcess, "pid" | "command">][]): string[] {
  const all = Map.groupBy(found, ([what]) => what);
  return [...all].map(([what, by]) => {
    const pids = new Set(by.map(([, { pid }]) => pid)).size;
    const others = pids === 1 ? "" : `, and ${pids - 1} ${pids === 2 ? "other" : "others"}`;
    const [, first] = by[0] as (typeof by)[0];
    return `${what} (process ${first.pid}, ${first.command}${others})`;
  });
}

/** None where the program that looks is missing: another check says that the host is not set up. */
async function foreignSockets(processes: ContainerProcess[]): Promise<string[]> {
  const look = new Looker().look(processes);
  return (await look.catch(() => undefined))?.foreign ?? [];
}

type One = { [kind in keyof Open]?: string | undefined };

async function ofProcess(pid: number, threads: () => Promise<Set<string>>): Promise<One[]> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const examineOne = async (file: string): Promise<One> => {
    const target = await readlink(`${folder}/${file}`);
    const kind = /^anon_inode:(.*)$/.exec(target)?.[1];
    if (kind !== undefined && !dumpable.includes(kind))
      return { unsupported: others[kind] ?? `a file of the kind ${kind}` };
    if (target.startsWith("pipe:"))
      return (await isInPackets(`/proc/${pid}/fdinfo/${file}`))
        ? { unsupported: "a pipe in packet mode (O_DIRECT)" }
        : {};
    if (target === ownTerminal) return { unsupported: await lostTerminal(pid) };
    if (target === "/secretmem (deleted)" && (await kindOf(`${folder}/${file}`)) === secretKind)
      return { unsupported: "secret memory (memfd_secret)" };
    if (target.endsWith(deleted)) return lostName(`${folder}/${file}`, pid, target);
    // The path of a message queue starts at the root of its mount, which the process may not see.
    if (/^\/[^/]+$/.test(target) && (await kindOf(`${folder}/${file}`)) === mqueueKind)
      return { unsupported: `the POSIX message queue ${target}` };
    if (inProc.test(target) && (await kindOf(`${folder}/${file}`)) === procKind)
      return isLostInProc(target, await threads()) ? { unrestorable: target } : {};
    return {};
  };
  const found = await Promise.all([...files.map((file) => orNothing(examineOne(file))), mapped(pid)]);
  return found.flat();
}

/** A file can be closed meanwhile. */
const orNothing = (one: Promise<One>): Promise<One> => one.catch(() => ({}));

/** Mapped files that lost their name, each once. They need not be open. */
async function mapped(pid: number): Promise<One[]> {
  const lines = (await readFile(`/proc/${pid}/maps`, "utf8").catch(() => "")).split("\n");
  const lost = lines.filter((text) => text.endsWith(deleted));
  if (lost.length === 0) return [];
  // Memory of the kernel, such as an aio ring, has a name as well, and a device that nothing mounts.
  const mounted = new Set((await mountsOf(pid).catch(() => [])).map(({ device }) => device));
  const files = new Map<string, Promise<One>>();
  for (const line of lost) {
    const [range = "", , , device = "", inode, ...path] = line.split(/ +/);
    if (!mounted.has(decimal(device))) continue;
    const file = `/proc/${pid}/map_files/${asMapFile(range)}`;
    const key = `${device} ${inode}`;
    if (!files.has(key)) files.set(key, orNothing(lostName(file, pid, path.join(" "))));
  }
  return Promise.all(files.values());
}

/** maps has the numbers of a device in hexadecimal digits, and mountinfo in decimal ones. */
const decimal = (device: string) =>
  device
    .split(":")
    .map((number) => Number.parseInt(number, 16))
    .join(":");

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

/** What the kernel adds to the name of a file that was removed. */
const deleted = " (deleted)";

async function lostName(path: string, pid: number, target: string): Promise<One> {
  const name = target.slice(0, -deleted.length);
  if (!(await hasAnotherName(path, pid, target))) return {};
  return { unsupported: `the file ${name} (a name that was removed; the file has another one)` };
}

/**
 * Whether a file that lost the name that it was opened by has another one, in files that godwit copies: see link-remaps.ts. An overlay does
 * not tell: there a removed file of the image has a name as well.
 */
async function hasAnotherName(open: string, pid: number, target: string): Promise<boolean> {
  const [{ nlink, ino }, kind] = await Promise.all([stat(open), kindOf(open)]);
  if (nlink === 0 || kind === tmpfsKind || kind === overlayKind) return false;
  // A name may end like that by itself.
  const named = await stat(`/proc/${pid}/root${target}`).catch(() => undefined);
  return named?.ino !== ino;
}

const kindOf = async (path: string) => (await statfs(path)).type;

/** O_DIRECT, among the flags of an open pipe. */
const packetFlag = 0o40000;

async function isInPackets(info: string): Promise<boolean> {
  const flags = /^flags:\s*([0-7]+)$/m.exec(await readFile(info, "utf8"))?.[1];
  return (Number.parseInt(flags ?? "0", 8) & packetFlag) !== 0;
}
