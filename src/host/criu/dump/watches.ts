import { readdir, readFile, readlink } from "node:fs/promises";
import { type Mount, mountsOf } from "../../proc/mountinfo.ts";
import { type RunOptions, run } from "../../proc/process.ts";
import { pidsBelow } from "../../proc/processes.ts";
import type { RuncContainer } from "../../runtime/runc.ts";

/** An inode that a process watches with inotify or fanotify. */
export interface Watched {
  /** The kernel's own form of a device number: the major number begins at bit 20. */
  device: number;
  /** Uses all 64 bits where an overlay has layers on several file systems. */
  inode: bigint;
}

/** A watched inode and a path of it, as the container sees it. `path` is relative to the root, one character for each byte. */
export type WatchedPath = Watched & { path: string };

/**
 * The paths of what a container watches in its root file system. The kernel shows only the inode of a watch, and an overlay cannot
 * open a file by its inode. So this walks over the whole root, unless nothing in it is watched.
 */
export async function watchedInRoot({ pid, cgroup }: RuncContainer): Promise<WatchedPath[]> {
  const device = rootDevice(await mountsOf(pid));
  const found = await Promise.all((await pidsBelow(cgroup)).map((each) => watchedBy(each).catch(() => [])));
  const inodes = new Set(found.flat().flatMap((each) => (each.device === device ? [each.inode] : [])));
  if (device === undefined || inodes.size === 0) return [];
  const these = [...inodes].flatMap((inode, index) => [...(index === 0 ? [] : ["-o"]), "-inum", String(inode)]);
  const root = `/proc/${pid}/root/`;
  // find reports an error for a file that disappears meanwhile.
  const options: RunOptions = { encoding: "latin1", accept: [1] };
  const output = await run("find", [root, "-xdev", "(", ...these, ")", "-printf", "%i /%P\\0"], options);
  return output
    .split("\0")
    .filter(Boolean)
    .map((line) => {
      const [inode = "", ...path] = line.split(" ");
      return { device, inode: BigInt(inode), path: path.join(" ") };
    });
}

async function watchedBy(pid: number): Promise<Watched[]> {
  const files = await readdir(`/proc/${pid}/fd`);
  const found = files.map(async (file) => {
    const target = await readlink(`/proc/${pid}/fd/${file}`);
    const watches = target === "anon_inode:inotify" || target === "anon_inode:[fanotify]";
    return watches ? watchedIn(await readFile(`/proc/${pid}/fdinfo/${file}`, "utf8")) : [];
  });
  return (await Promise.all(found.map((one) => one.catch(() => [])))).flat();
}

/** The watches in the text of an fdinfo file. */
export function watchedIn(fdinfo: string): Watched[] {
  return [...fdinfo.matchAll(/^(?:inotify|fanotify) .*\bino:([0-9a-f]+) sdev:([0-9a-f]+) /gm)].map(
    ([, inode, device]) => ({ device: Number.parseInt(device ?? "", 16), inode: BigInt(`0x${inode}`) }),
  );
}

/** The device number (form: see `Watched`) of the overlay that was mounted last at the root; undefined where there is none. */
export function rootDevice(mounts: Mount[]): number | undefined {
  const root = mounts.findLast(({ mountpoint, type }) => mountpoint === "/" && type === "overlay");
  if (!root) return undefined;
  const [major = 0, minor = 0] = root.device.split(":").map(Number);
  return major * 2 ** 20 + minor;
}
