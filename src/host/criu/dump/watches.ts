import { readdir, readFile, readlink } from "node:fs/promises";
import { type Mount, mountsOf } from "../../proc/mountinfo.ts";
import { type RunOptions, run } from "../../proc/process.ts";
import { pidsBelow } from "../../proc/processes.ts";
import type { RuncContainer } from "../../runtime/runc.ts";

/** An inode that is watched by inotify or fanotify. */
export interface Watched {
  /** As the kernel numbers devices inside: the major number from bit 20 on. */
  device: number;
  /** Where an overlay has layers on several file systems, numbers have all 64 bits. */
  inode: bigint;
}

/** Of several paths of an inode, one; as its container sees it, a character a byte. */
export type WatchedPath = Watched & { path: string };

/**
 * Paths of what a container watches in its root. The kernel tells a watch by inode only, and an overlay opens no file by that,
 * so that they are looked for by a walk over all of the root; where nothing is watched there, nothing is walked over.
 */
export async function watchedInRoot({ pid, cgroup }: RuncContainer): Promise<WatchedPath[]> {
  const device = rootDevice(await mountsOf(pid));
  const found = await Promise.all((await pidsBelow(cgroup)).map((each) => watchedBy(each).catch(() => [])));
  const inodes = new Set(found.flat().flatMap((each) => (each.device === device ? [each.inode] : [])));
  if (device === undefined || inodes.size === 0) return [];
  const these = [...inodes].flatMap((inode, index) => [...(index === 0 ? [] : ["-o"]), "-inum", String(inode)]);
  const root = `/proc/${pid}/root/`;
  // Files come and go meanwhile, which it calls an error.
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

/** What the text of an fdinfo file says of watches. */
export function watchedIn(fdinfo: string): Watched[] {
  return [...fdinfo.matchAll(/^(?:inotify|fanotify) .*\bino:([0-9a-f]+) sdev:([0-9a-f]+) /gm)].map(
    ([, inode, device]) => ({ device: Number.parseInt(device ?? "", 16), inode: BigInt(`0x${inode}`) }),
  );
}

/** Of the root that was mounted last, where that is an overlay. */
export function rootDevice(mounts: Mount[]): number | undefined {
  const root = mounts.findLast(({ mountpoint, type }) => mountpoint === "/" && type === "overlay");
  if (!root) return undefined;
  const [major = 0, minor = 0] = root.device.split(":").map(Number);
  return major * 2 ** 20 + minor;
}
