import { readdir, readFile, readlink, stat, statfs } from "node:fs/promises";
import type { ContainerFacts } from "../../contract/facts.ts";
import { type Mount, mountsOf } from "../proc/mountinfo.ts";
import { run } from "../proc/process.ts";

/** `st_blocks` of stat(2) counts in these, whatever the file system. */
const blockBytes = 512;

/** Allocated bytes of one object of memory, under a key that no other object has. */
type Sizes = Map<string, number>;

/**
 * What CRIU writes into its images beside the private memory of processes: memory that they share, and the content of the
 * container's own tmpfs mounts. Each object counts once, however many processes use it. Reads the mappings and open files of
 * every process, which takes some milliseconds. What has ended meanwhile counts as nothing.
 * @param pids all processes of the container, in this host's process id namespace; `init` is its first one
 */
export async function readSharedMemory(pids: readonly number[], init: number): Promise<ContainerFacts["shared"]> {
  const objects: Sizes = new Map();
  const [segments, tmpfs] = await Promise.all([
    segmentBytes(init),
    tmpfsBytes(pids),
    ...pids.flatMap((pid) => [addMapped(pid, objects), addOpen(pid, objects)]),
  ]);
  return { memoryBytes: sum(objects) + segments, tmpfsBytes: tmpfs };
}

const sum = (sizes: Sizes) => [...sizes.values()].reduce((total, bytes) => total + bytes, 0);

async function addMapped(pid: number, objects: Sizes): Promise<void> {
  const ranges = sharedRanges(await readFile(`/proc/${pid}/maps`, "utf8").catch(() => ""));
  await Promise.all(ranges.map((range) => addFile(`/proc/${pid}/map_files/${range}`, objects)));
}

/** memfds need not be mapped. */
async function addOpen(pid: number, objects: Sizes): Promise<void> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const add = async (path: string) => {
    if ((await readlink(path).catch(() => "")).startsWith(memfd)) await addFile(path, objects);
  };
  await Promise.all(files.map((file) => add(`${folder}/${file}`)));
}

async function addFile(path: string, objects: Sizes): Promise<void> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found) objects.set(`${found.dev}:${found.ino}`, Number(found.blocks) * blockBytes);
}

const memfd = "/memfd:";

/**
 * Ranges of the text of a maps file whose memory is an object without a name in any file system, as map_files names them: one
 * for each object. System V segments are not among them: the kernel lists those by themselves.
 */
export function sharedRanges(maps: string): string[] {
  const ranges = new Map<string, string>();
  for (const line of maps.split("\n")) {
    const [range = "", permissions = "", , device, inode, ...path] = line.split(/\s+/);
    const isShared = permissions.endsWith("s") && path[0] === "/dev/zero";
    if (!isShared && !path[0]?.startsWith(memfd)) continue;
    // maps pads addresses with zeros, map_files does not.
    ranges.set(`${device} ${inode}`, range.replace(/(^|-)0+(?=[0-9a-f])/g, "$1"));
  }
  return [...ranges.values()];
}

/** System V shared memory of the container, also what no process has attached. */
async function segmentBytes(init: number): Promise<number> {
  const [own, theirs] = await Promise.all(["self", init].map((pid) => readlink(`/proc/${pid}/ns/ipc`).catch(() => "")));
  if (!theirs || theirs === own) return 0;
  const list = await run("nsenter", ["--target", String(init), "--ipc", "cat", "/proc/sysvipc/shm"]).catch(() => "");
  return allocatedSegments(list);
}

/** Of the text of /proc/sysvipc/shm: bytes in memory and in swap. */
export function allocatedSegments(list: string): number {
  const [head = "", ...lines] = list.split("\n").map((line) => line.trim());
  const columns = ["rss", "swap"].map((name) => head.split(/\s+/).indexOf(name));
  const bytes = lines
    .filter(Boolean)
    .flatMap((line) => columns.map((column) => Number(line.split(/\s+/)[column] ?? 0)));
  return bytes.reduce((total, each) => total + each, 0);
}

/** In every mount namespace of the container. What this host has mounted as well is a bind mount, which CRIU leaves out. */
async function tmpfsBytes(pids: readonly number[]): Promise<number> {
  const byNamespace = new Map<string, number>();
  for (const pid of pids) {
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined);
    if (namespace) byNamespace.set(namespace, pid);
  }
  const hosts = new Set((await mountsOf("self")).filter(isTmpfs).map(({ device }) => device));
  const sizes: Sizes = new Map();
  for (const pid of byNamespace.values()) {
    const mounts = await mountsOf(pid).catch(() => []);
    for (const { device, mountpoint } of mounts.filter(isTmpfs)) {
      if (hosts.has(device)) continue;
      const mounted = `/proc/${pid}/root${mountpoint}`;
      // Another file system may be mounted over it.
      const found = await stat(mounted).catch(() => undefined);
      if (!found || deviceText(found.dev) !== device) continue;
      const { blocks, bfree, bsize } = await statfs(mounted).catch(() => ({ blocks: 0, bfree: 0, bsize: 0 }));
      sizes.set(device, (blocks - bfree) * bsize);
    }
  }
  return sum(sizes);
}

const isTmpfs = ({ type }: Mount) => type === "tmpfs";

/** Of a file system that is on no disk: the number of a device as stat(2) has it, as mountinfo writes it. */
const deviceText = (device: number) => `${(device >> 8) & 0xfff}:${(device & 0xff) | ((device >> 12) & 0xfff00)}`;
