import { createReadStream } from "node:fs";
import { copyFile, mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ContainerInspect } from "../docker/inspect.ts";

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

/** The bytes of a log file from `offset` on, up to its size at this moment. */
export function readLog(file: LogFile, offset: number): Readable {
  return createReadStream(file.path, { start: offset, end: Math.max(offset, file.bytes - 1) });
}

/** Writes at `offset` of a container's log, behind which nothing is kept. The container has not logged anything yet. */
export async function writeLog(
  container: ContainerInspect,
  dockerRoot: string,
  suffix: string,
  offset: number,
  bytes: Readable,
): Promise<void> {
  const current = currentLog(container, dockerRoot);
  if (!current || suffix.includes("/")) {
    bytes.resume();
    return;
  }
  await mkdir(dirname(current), { recursive: true, mode: 0o710 });
  const file = await open(`${current}${suffix}`, "a+", 0o640);
  await file.truncate(offset);
  await pipeline(bytes, file.createWriteStream());
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
