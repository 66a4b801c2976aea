import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { ContainerInspect } from "../docker/inspect.ts";
import { type LogEntry, parseJsonLog, parseLocalLog } from "./log-tail.ts";

/** Log drivers whose history is a file of Docker's own; others keep it elsewhere. */
export const carriedLogDrivers = ["json-file", "local"];

/** One file of a container's log: the current one (rotation 0), or an older one (1, 2, ...; possibly compressed). */
export interface LogFile {
  /** What follows the current file's name: empty, `.1`, `.2.gz`, ... The same on every host. */
  suffix: string;
  path: string;
  bytes: number;
}

/** Files of a container's log, oldest last; none for a driver that keeps its history elsewhere. */
export async function logFiles(container: ContainerInspect, dockerRoot: string): Promise<LogFile[]> {
  const current = currentLog(container, dockerRoot);
  if (!current) return [];
  const folder = dirname(current);
  const names = (await readdir(folder).catch(() => [])).filter((name) => join(folder, name).startsWith(current));
  const files = names.sort().map(async (name) => {
    const path = join(folder, name);
    return { suffix: path.slice(current.length), path, bytes: (await stat(path)).size };
  });
  return Promise.all(files);
}

/** The bytes of a log file from `offset` on, up to its size when it was looked at. There is at least one. */
export function readLog(file: LogFile, offset: number): Readable {
  return createReadStream(file.path, { start: offset, end: file.bytes - 1 });
}

/** Writes a file of a container's log anew. Docker has not started the container yet: it would not see what is written later. */
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

/** How far each file of a log was sent, by suffix. */
export type LogMarks = Map<string, number>;

/** What the container said since the marks were set. A log that was rotated since goes on in the file that was current then. */
export async function readLogTail(
  container: ContainerInspect,
  dockerRoot: string,
  marks: LogMarks,
): Promise<LogEntry[]> {
  const parse = container.HostConfig.LogConfig?.Type === "local" ? parseLocalLog : parseJsonLog;
  const files = await logFiles(container, dockerRoot);
  const mark = marks.get("") ?? 0;
  const current = files.find(({ suffix }) => suffix === "");
  if (!current) return [];
  const grown = files.find(({ suffix }) => suffix === ".1");
  const wasRotated = grown !== undefined && grown.bytes !== marks.get(".1");
  const parts = wasRotated ? [readFrom(grown, mark), readFrom(current, 0)] : [readFrom(current, mark)];
  return parse(Buffer.concat(await Promise.all(parts)));
}

async function readFrom(file: LogFile, offset: number): Promise<Buffer> {
  return file.bytes > offset ? buffer(readLog(file, offset)) : Buffer.alloc(0);
}

/** Gives a container the log of another on this host. */
export async function copyLogs(from: ContainerInspect, to: ContainerInspect, dockerRoot: string): Promise<void> {
  const target = currentLog(to, dockerRoot);
  if (!target) return;
  await mkdir(dirname(target), { recursive: true, mode: 0o710 });
  for (const file of await logFiles(from, dockerRoot)) await copyFile(file.path, `${target}${file.suffix}`);
}

/** `docker inspect` names the file only after the first start. */
function currentLog(container: ContainerInspect, dockerRoot: string): string | undefined {
  const folder = join(dockerRoot, "containers", container.Id);
  const driver = container.HostConfig.LogConfig?.Type;
  if (driver === "json-file") return join(folder, `${container.Id}-json.log`);
  return driver === "local" ? join(folder, "local-logs", "container.log") : undefined;
}
