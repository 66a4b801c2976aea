import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, type FileHandle, mkdir, open, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { ContainerInspect } from "../../engine/inspect.ts";
import { ifGone } from "../../proc/gone.ts";
import { type LogEntry, parseJsonLog, parseLocalLog } from "./log-tail.ts";

/** The pause before another look at a log that Docker rotates. The rotation is only a few renames. */
const rotationMs = 20;

/** One file of a container's log: the current one (rotation 0), or an older one (1, 2, ...; possibly compressed). */
export interface LogFile {
  /** What its name has after the name of the current file: nothing, `.1`, `.2.gz`, ... It is the same on every host. */
  suffix: string;
  path: string;
  bytes: number;
  /** The file keeps its inode when Docker rotates the log. Compression gives it another one. */
  inode: number;
}

/** Files of a container's log, the current one first. Empty for a driver that keeps its history elsewhere. */
export async function logFiles(container: ContainerInspect, dockerRoot: string): Promise<LogFile[]> {
  const current = currentLog(container, dockerRoot);
  if (!current) return [];
  const folder = dirname(current);
  const names = (await readdir(folder).catch(ifGone<string[]>([]))).filter((name) =>
    join(folder, name).startsWith(current),
  );
  const files = names.map(async (name) => {
    const path = join(folder, name);
    const { size, ino } = await stat(path);
    return { suffix: path.slice(current.length), path, bytes: size, inode: ino };
  });
  return (await Promise.all(files)).sort((one, other) => rotationOf(one) - rotationOf(other));
}

const rotationOf = ({ suffix }: LogFile) => Number(suffix.match(/\d+/)?.[0] ?? 0);

/** How far a log was read: up to this offset, in bytes, of the file that was then the current one. */
export interface LogMark {
  inode: number;
  offset: number;
}

/**
 * Reads the whole log, as it is at one moment. Docker may rotate the log meanwhile.
 * @param send gets one file after another, and reads the stream of each to its end
 * @param signal ends the reading; its reason is thrown
 * @returns the end of what was read; undefined where there is no log
 */
export async function readWholeLog(
  container: ContainerInspect,
  dockerRoot: string,
  send: (file: LogFile, bytes: Readable) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<LogMark | undefined> {
  await using undo = new AsyncDisposableStack();
  const opened = await openLog(container, dockerRoot, undo, signal);
  for (const { file, handle } of opened) {
    if (file.suffix === "") file.bytes = await wholeEntries(container, handle, file.bytes);
    if (file.bytes === 0) continue;
    await send(file, handle.createReadStream({ start: 0, end: file.bytes - 1, autoClose: false }));
  }
  const current = opened.find(({ file }) => file.suffix === "");
  return current && { inode: current.file.inode, offset: current.file.bytes };
}

/** The size up to the end of the last complete entry. Docker may be in the middle of writing the next one. */
async function wholeEntries(container: ContainerInspect, handle: FileHandle, bytes: number): Promise<number> {
  if (container.HostConfig.LogConfig?.Type !== "json-file") return bytes;
  const length = Math.min(bytes, longestEntry);
  const { buffer: end } = await handle.read(Buffer.alloc(length), 0, length, bytes - length);
  const newline = end.lastIndexOf("\n");
  return newline < 0 ? bytes : bytes - length + newline + 1;
}

/** Docker cuts lines at 16 KiB. As JSON a line becomes at most about six times as long. */
const longestEntry = 128 * 1024;

interface OpenLogFile {
  file: LogFile;
  handle: FileHandle;
}

/** Opens all files of a log, so that all names are of the same moment: none is opened before a rotation and none after it. */
async function openLog(
  container: ContainerInspect,
  dockerRoot: string,
  undo: AsyncDisposableStack,
  signal: AbortSignal | undefined,
): Promise<OpenLogFile[]> {
  for (;;) {
    signal?.throwIfAborted();
    const opened = await openUnrotated(container, dockerRoot, undo);
    if (opened) return opened;
    await sleep(rotationMs);
  }
}

/** Undefined where Docker rotated the log meanwhile. */
async function openUnrotated(
  container: ContainerInspect,
  dockerRoot: string,
  undo: AsyncDisposableStack,
): Promise<OpenLogFile[] | undefined> {
  await using handles = new AsyncDisposableStack();
  try {
    const files = await logFiles(container, dockerRoot);
    const opened: OpenLogFile[] = [];
    for (const file of files) opened.push({ file, handle: handles.use(await open(file.path)) });
    if (inodes(files) !== inodes(await logFiles(container, dockerRoot))) return undefined;
    undo.use(handles.move());
    return opened;
  } catch (error) {
    return ifGone(undefined)(error);
  }
}

const inodes = (files: LogFile[]) => files.map(({ suffix, inode }) => `${suffix} ${inode}`).join(",");

/** Replaces a file of a container's log. Must happen before Docker starts the container: Docker does not see what is written later. */
export async function writeLog(
  container: ContainerInspect,
  dockerRoot: string,
  suffix: string,
  bytes: Readable,
): Promise<void> {
  const current = currentLog(container, dockerRoot);
  if (!current || suffix.includes("/")) {
    bytes.resume();
    return;
  }
  await mkdir(dirname(current), { recursive: true, mode: 0o710 });
  await pipeline(bytes, createWriteStream(`${current}${suffix}`, { mode: 0o640 }));
}

/**
 * The entries that a frozen container has logged since the mark, whether or not Docker rotated the log since. Without a mark, all
 * entries.
 */
export async function readLogTail(
  container: ContainerInspect,
  dockerRoot: string,
  mark: LogMark | undefined,
): Promise<LogEntry[]> {
  const parse = container.HostConfig.LogConfig?.Type === "local" ? parseLocalLog : parseJsonLog;
  const files = await logFiles(container, dockerRoot);
  const marked = files.findIndex(({ inode }) => inode === mark?.inode);
  // If the marked file is gone, Docker has compressed it. It is then the newest compressed file.
  const compressed = files.findIndex(({ suffix }) => suffix.endsWith(".gz"));
  const first = mark === undefined ? files.length - 1 : marked >= 0 ? marked : compressed;
  const since = files.slice(0, first + 1).reverse();
  const parts = await Promise.all(since.map((file, i) => readFrom(file, i === 0 ? (mark?.offset ?? 0) : 0)));
  return parts.flatMap(parse);
}

async function readFrom(file: LogFile, offset: number): Promise<Buffer> {
  if (file.suffix.endsWith(".gz")) return gunzipSync(await readFile(file.path)).subarray(offset);
  return buffer(createReadStream(file.path, { start: offset }));
}

/** Copies the log of one container to another one on this host. */
export async function copyLogs(from: ContainerInspect, to: ContainerInspect, dockerRoot: string): Promise<void> {
  const target = currentLog(to, dockerRoot);
  if (!target) return;
  await mkdir(dirname(target), { recursive: true, mode: 0o710 });
  for (const file of await logFiles(from, dockerRoot)) await copyFile(file.path, `${target}${file.suffix}`);
}

/** Path of the current log file. It is computed, because `docker inspect` names the file only after the first start. */
function currentLog(container: ContainerInspect, dockerRoot: string): string | undefined {
  const folder = join(dockerRoot, "containers", container.Id);
  const driver = container.HostConfig.LogConfig?.Type;
  if (driver === "json-file") return join(folder, `${container.Id}-json.log`);
  return driver === "local" ? join(folder, "local-logs", "container.log") : undefined;
}
