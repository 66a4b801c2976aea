import { readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ifGone } from "../../proc/gone.ts";
import type { ContainerProcess } from "../../proc/processes.ts";
import { core_entrySchema } from "../proto/generated/core_pb.ts";
import { file_lock_entrySchema } from "../proto/generated/file-lock_pb.ts";
import { readImage } from "./images.ts";

/** Among the images: what the runtime hook does after the restore (runtime/locks says how it is written). */
const ordersFile = "locks.godwit";
/** CRIU's kind of lock for those of fcntl(2). */
const recordLock = 1;
/** CRIU's state of a process that runs. */
const alive = 1;

interface RecordLock {
  /** As the container sees it. */
  pid: number;
  fd: number;
  /** 0: shared; 1: exclusive. */
  type: number;
  start: bigint;
  /** 0: up to the end. */
  length: bigint;
}

/**
 * Finds the record locks that a restore from these images would lose, and leaves orders among the images to take them again. CRIU
 * (4.2) takes them itself, but before it maps the processes' files and closes their descriptors; the kernel drops a process's
 * record locks on a file when it closes any descriptor of it.
 * @param processes those that were dumped; they stand still
 */
export async function noteLostLocks(images: string, processes: ContainerProcess[]): Promise<void> {
  const image = await readFile(join(images, "filelocks.img")).catch(ifGone(undefined));
  if (!image) return;
  const hostPids = new Map(processes.map(({ pid, hostPid }) => [pid, hostPid]));
  const lost: RecordLock[] = [];
  for (const lock of recordLocksIn(image)) {
    const hostPid = hostPids.get(lock.pid);
    if (hostPid !== undefined && (await hasMapped(hostPid, lock.fd))) lost.push(lock);
  }
  if (lost.length === 0) return;
  const running = await runningIn(images);
  const orders = [
    ...lost.map(({ pid, fd, type, start, length }) => `lock ${pid} ${fd} ${type} ${start} ${length}`),
    ...running.map((pid) => `go ${pid}`),
  ];
  await writeFile(join(images, ordersFile), orders.map((order) => `${order}\n`).join(""), { mode: 0o600 });
}

/** Orders that were left among images, for godwit-locks. Where there are some, CRIU must leave the processes stopped. */
export async function lockOrders(images: string): Promise<string | undefined> {
  return readFile(join(images, ordersFile), "utf8").catch(ifGone(undefined));
}

export function recordLocksIn(image: Buffer): RecordLock[] {
  return readImage(file_lock_entrySchema, image)
    .filter(({ flag }) => flag === recordLock)
    .map(({ type, pid, fd, start, len }) => ({ pid, fd, type, start, length: len }));
}

/** By name or by inode: the same file may have another name, and file systems may show other inodes in the two places. */
async function hasMapped(pid: number, fd: number): Promise<boolean> {
  const file = `/proc/${pid}/fd/${fd}`;
  const [maps, path, { ino }] = await Promise.all([
    readFile(`/proc/${pid}/maps`, "utf8"),
    readlink(file),
    stat(file, { bigint: true }),
  ]);
  return maps.includes(` ${path}\n`) || maps.split("\n").some((line) => line.split(" ", 5)[4] === String(ino));
}

/** Processes, as the container sees them, that were neither stopped nor dead. */
async function runningIn(images: string): Promise<number[]> {
  const found = (await readdir(images)).map(async (name) => {
    const pid = name.match(/^core-(\d+)\.img$/)?.[1];
    const [core] = pid ? readImage(core_entrySchema, await readFile(join(images, name))) : [];
    return core?.tc?.taskState === alive ? [Number(pid)] : [];
  });
  return (await Promise.all(found)).flat();
}
