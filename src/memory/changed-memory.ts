import { type FileHandle, open, readFile } from "node:fs/promises";
import { pageBytes } from "../host/proc/page-size.ts";

const entryBytes = 8;
const chunkBytes = 1024 * 1024;
/** Limits the scan of one process. A program that has reserved more addresses than this has not filled them. */
const maxScannedBytes = 64 * 2 ** 30;

/* Bits of an entry's upper half. */
const present = 0x8000_0000;
const swapped = 0x4000_0000;
const ofFile = 0x2000_0000;
const changed = 0x0080_0000;

/**
 * Bytes of memory that processes have written to since CRIU's last pre-dump: about what another round would send. The number comes
 * from the kernel's soft-dirty marks. A process that has ended counts as nothing.
 * @param pids in this host's process id namespace
 */
export async function changedMemory(pids: readonly number[]): Promise<number> {
  const pages = await Promise.all(pids.map((pid) => changedPages(pid).catch(() => 0)));
  return pages.reduce((sum, count) => sum + count, 0) * pageBytes;
}

async function changedPages(pid: number): Promise<number> {
  const mappings = dumpedMappings(await readFile(`/proc/${pid}/maps`, "utf8"));
  const pagemap = await open(`/proc/${pid}/pagemap`);
  try {
    let pages = 0;
    let left = maxScannedBytes;
    for (const { start, end, shared } of mappings) {
      const length = Math.min(end - start, left);
      pages += await countIn(pagemap, start, length, shared);
      left -= length;
    }
    return pages;
  } finally {
    await pagemap.close();
  }
}

interface Mapping {
  start: number;
  end: number;
  shared: boolean;
}

/** The mappings whose pages CRIU dumps: private ones, and shared ones without a file. `maps` is the text of /proc/PID/maps. */
export function dumpedMappings(maps: string): Mapping[] {
  return maps.split("\n").flatMap((line) => {
    const [range = "", permissions = "", , , , ...path] = line.split(/\s+/);
    const [start, end] = range.split("-").map((address) => Number.parseInt(address, 16));
    if (start === undefined || end === undefined || !permissions.includes("r")) return [];
    const shared = permissions.endsWith("s");
    if (shared && !/^(\/dev\/zero|\/SYSV|\/memfd:)/.test(path.join(" "))) return [];
    return /^\[(vvar|vvar_vclock|vsyscall)\]$/.test(path[0] ?? "") ? [] : [{ start, end, shared }];
  });
}

async function countIn(pagemap: FileHandle, start: number, length: number, shared: boolean): Promise<number> {
  let count = 0;
  let position = (start / pageBytes) * entryBytes;
  const end = position + (length / pageBytes) * entryBytes;
  const buffer = Buffer.alloc(Math.min(chunkBytes, end - position));
  while (position < end) {
    const { bytesRead } = await pagemap.read(buffer, 0, Math.min(buffer.length, end - position), position);
    if (bytesRead === 0) break;
    count += countMarks(buffer.subarray(0, bytesRead), shared);
    position += bytesRead;
  }
  return count;
}

/** How many pages CRIU would dump again. `entries` are of /proc/PID/pagemap. An unwritten private page of a file does not count. */
export function countMarks(entries: Buffer, shared: boolean): number {
  let count = 0;
  for (let at = 4; at < entries.length; at += entryBytes) {
    const upper = entries.readUInt32LE(at);
    if (upper & changed && upper & (present | swapped) && (shared || !(upper & ofFile))) count += 1;
  }
  return count;
}
