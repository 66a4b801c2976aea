import { readdir, readFile, readlink, stat, statfs } from "node:fs/promises";
import type { ContainerFacts } from "../../contract/facts.ts";
import { ifGone, isGone } from "../proc/gone.ts";
import { asMapFile } from "../proc/map-files.ts";
import { type Mount, mountsOf } from "../proc/mountinfo.ts";
import { run } from "../proc/process.ts";

/** The unit of `st_blocks` of stat(2), for every file system. */
const blockBytes = 512;

/** Of the file system that has huge pages, in statfs(2). */
const hugetlbfs = 0x958458f6;

/** The allocated bytes of each memory object. The key identifies the object. */
type Sizes = Map<string, number>;
interface Objects {
  all: Sizes;
  /** Of these, in huge pages. */
  huge: Sizes;
}

/**
 * Bytes that CRIU writes into its images beside the private memory that it can leave out: the memory that processes share, the content
 * of the container's own tmpfs mounts, and locked memory. Each object counts once, however many processes use it. This reads the
 * mappings and open files of every process, which takes a few milliseconds. A process that ends meanwhile counts as nothing.
 * @param pids all processes of the container, in this host's process id namespace
 * @param init the first of them
 */
export async function readSharedMemory(pids: readonly number[], init: number): Promise<ContainerFacts["shared"]> {
  const objects: Objects = { all: new Map(), huge: new Map() };
  const [segments, tmpfs, locked] = await Promise.all([
    segmentBytes(init),
    tmpfsBytes(pids),
    lockedBytes(pids),
    ...pids.flatMap((pid) => [addMapped(pid, objects), addOpen(pid, objects)]),
  ]);
  return {
    memoryBytes: sum(objects.all) + segments,
    hugeBytes: sum(objects.huge),
    tmpfsBytes: tmpfs,
    lockedBytes: locked,
  };
}

const sum = (sizes: Sizes) => [...sizes.values()].reduce((total, bytes) => total + bytes, 0);

async function addMapped(pid: number, objects: Objects): Promise<void> {
  const ranges = sharedRanges(await readFile(`/proc/${pid}/maps`, "utf8").catch(() => ""));
  await Promise.all(ranges.map((range) => addFile(`/proc/${pid}/map_files/${range}`, objects)));
}

/** A memfd can be open without being mapped. */
async function addOpen(pid: number, objects: Objects): Promise<void> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const add = async (path: string) => {
    if ((await readlink(path).catch(() => "")).startsWith(memfd)) await addFile(path, objects);
  };
  await Promise.all(files.map((file) => add(`${folder}/${file}`)));
}

async function addFile(path: string, { all, huge }: Objects): Promise<void> {
  const [found, system] = await Promise.all([stat(path, { bigint: true }), statfs(path)]).catch(() => []);
  if (!found) return;
  const [key, bytes] = [`${found.dev}:${found.ino}`, Number(found.blocks) * blockBytes];
  all.set(key, bytes);
  if (system?.type === hugetlbfs) huge.set(key, bytes);
}

const memfd = "/memfd:";

/**
 * The ranges of memory objects that have no name in any file system: one range for each object, as /proc/PID/map_files names it.
 * System V segments are left out, because the kernel lists them in another file.
 * @param maps the text of /proc/PID/maps
 */
export function sharedRanges(maps: string): string[] {
  const ranges = new Map<string, string>();
  for (const line of maps.split("\n")) {
    const [range = "", permissions = "", , device, inode, ...path] = line.split(/\s+/);
    const isShared = permissions.endsWith("s") && path[0] === "/dev/zero";
    if (!isShared && !path[0]?.startsWith(memfd)) continue;
    ranges.set(`${device} ${inode}`, asMapFile(range));
  }
  return [...ranges.values()];
}

/** Bytes of the container's System V shared memory, attached or not. */
async function segmentBytes(init: number): Promise<number> {
  const [own, theirs] = await Promise.all(["self", init].map((pid) => readlink(`/proc/${pid}/ns/ipc`).catch(() => "")));
  if (!theirs || theirs === own) return 0;
  const list = await run("nsenter", ["--target", String(init), "--ipc", "cat", "/proc/sysvipc/shm"]).catch(() => "");
  return allocatedSegments(list);
}

/** Bytes in memory and in swap, from the text of /proc/sysvipc/shm. */
export function allocatedSegments(list: string): number {
  const [head = "", ...lines] = list.split("\n").map((line) => line.trim());
  const columns = ["rss", "swap"].map((name) => head.split(/\s+/).indexOf(name));
  const bytes = lines
    .filter(Boolean)
    .flatMap((line) => columns.map((column) => Number(line.split(/\s+/)[column] ?? 0)));
  return bytes.reduce((total, each) => total + each, 0);
}

/** Sum over every mount namespace of the container. A tmpfs that this host has mounted too is a bind mount, which CRIU leaves out. */
async function tmpfsBytes(pids: readonly number[]): Promise<number> {
  const members = new Map<string, number[]>();
  for (const pid of pids) {
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(ifGone(undefined));
    if (namespace) members.set(namespace, [...(members.get(namespace) ?? []), pid]);
  }
  const hosts = new Set((await mountsOf("self")).filter(isTmpfs).map(({ device }) => device));
  const sizes = await Promise.all([...members.values()].map((each) => ofFirst(each, (pid) => tmpfsOf(pid, hosts))));
  return sum(new Map(sizes.flatMap((found) => [...(found ?? [])])));
}

/** The answer of the first process that has not ended when it is asked. @throws what `ask` throws for another reason */
export async function ofFirst<T>(pids: readonly number[], ask: (pid: number) => Promise<T>): Promise<T | undefined> {
  for (const pid of pids) {
    try {
      return await ask(pid);
    } catch (error) {
      if (!isGone(error) && !isOfZombie(error)) throw error;
    }
  }
  return undefined;
}

/** A process that has ended, and for which nobody has waited, has no mounts. */
const isOfZombie = (error: unknown) => (error as NodeJS.ErrnoException).code === "EINVAL";

/** @throws the system's error, also where the process has ended */
async function tmpfsOf(pid: number, hosts: ReadonlySet<string>): Promise<Sizes> {
  const sizes: Sizes = new Map();
  const root = `/proc/${pid}/root`;
  for (const { device, mountpoint } of (await mountsOf(pid)).filter(isTmpfs)) {
    if (hosts.has(device)) continue;
    // Another file system may be mounted on top of it.
    const found = await stat(`${root}${mountpoint}`).catch(ifGone(undefined));
    if (!found || deviceText(found.dev) !== device) continue;
    const { blocks, bfree, bsize } = await statfs(`${root}${mountpoint}`);
    sizes.set(device, (blocks - bfree) * bsize);
  }
  // Where it has ended meanwhile, nothing was found in it.
  await stat(root);
  return sizes;
}

async function lockedBytes(pids: readonly number[]): Promise<number> {
  const each = pids.map(async (pid) => lockedPrivate(await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")));
  return (await Promise.all(each)).reduce((total, bytes) => total + bytes, 0);
}

/**
 * The most private memory that a process can have locked, in bytes. A lock spans addresses, also ones that have no page.
 * @param status the text of /proc/PID/status
 */
export function lockedPrivate(status: string): number {
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
  return Math.min(kibibytes("VmLck"), kibibytes("RssAnon")) * 1024;
}

const isTmpfs = ({ type }: Mount) => type === "tmpfs";

/** Converts a device number of stat(2) into the form of mountinfo, such as `0:52`. */
const deviceText = (device: number) => `${(device >> 8) & 0xfff}:${(device & 0xff) | ((device >> 12) & 0xfff00)}`;
