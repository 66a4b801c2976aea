import { readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ifGone } from "../../proc/gone.ts";
import type { ContainerProcess } from "../../proc/processes.ts";
import { core_entrySchema } from "../proto/generated/core_pb.ts";
import { file_lock_entrySchema } from "../proto/generated/file-lock_pb.ts";
import { readImage } from "./images.ts";

/** File among the images with orders for the runtime hook after the restore. runtime/state/locks.c describes its lines. */
const ordersFile = "locks.godwit";
/** CRIU's number for the locks of fcntl(2). */
const recordLock = 1;
/** CRIU's number for the state of a running process. */
const alive = 1;

interface RecordLock {
  /** The process id within the container. */
  pid: number;
  fd: number;
  /** 0 is shared, 1 is exclusive. */
  type: number;
  start: bigint;
  /** In bytes; 0 means up to the end of the file. */
  length: bigint;
}

/**
 * Finds the record locks that a restore from these images would lose, and writes orders among the images to take them again. CRIU
 * (4.2) takes all locks too early: afterwards it maps files and closes their descriptors, and the kernel drops all record locks of a
 * process on a file when the process closes any descriptor of that file.
 * @param images folder of the dump
 * @param processes the processes that were dumped; they are still frozen
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

/** The orders among the images, for godwit-state; undefined where there are none. With orders, CRIU must leave the processes stopped. */
export async function lockOrders(images: string): Promise<string | undefined> {
  return readFile(join(images, ordersFile), "utf8").catch(ifGone(undefined));
}

/** The record locks in `filelocks.img`. */
export function recordLocksIn(image: Buffer): RecordLock[] {
  return readImage(file_lock_entrySchema, image)
    .filter(({ flag }) => flag === recordLock)
    .map(({ type, pid, fd, start, len }) => ({ pid, fd, type, start, length: len }));
}

/**
 * Whether a process has mapped the file of a descriptor. It compares names and inodes: the file may have a second name, and a file
 * system may show different inodes in the two places.
 */
async function hasMapped(pid: number, fd: number): Promise<boolean> {
  const file = `/proc/${pid}/fd/${fd}`;
  const [maps, path, { ino }] = await Promise.all([
    readFile(`/proc/${pid}/maps`, "utf8"),
    readlink(file),
    stat(file, { bigint: true }),
  ]);
  return maps.includes(` ${path}\n`) || maps.split("\n").some((line) => line.split(" ", 5)[4] === String(ino));
}

/** Process ids, within the container, of the processes that were neither stopped nor dead. */
async function runningIn(images: string): Promise<number[]> {
  const found = (await readdir(images)).map(async (name) => {
    const pid = name.match(/^core-(\d+)\.img$/)?.[1];
    const [core] = pid ? readImage(core_entrySchema, await readFile(join(images, name))) : [];
    return core?.tc?.taskState === alive ? [Number(pid)] : [];
  });
  return (await Promise.all(found)).flat();
}
