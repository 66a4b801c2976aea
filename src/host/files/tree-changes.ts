import { realpath, statfs } from "node:fs/promises";
import { join } from "node:path";
import { mountsOf } from "../proc/mountinfo.ts";
import { run } from "../proc/process.ts";
import { changedPaths, type Entry, movedFolders } from "./changed-paths.ts";

/** An instant of this host, in ms: of the clock that dates files, and of the monotonic clock, which nobody can set. */
export interface Instant {
  dated: number;
  monotonic: number;
}

export function instant(): Instant {
  return { dated: Date.now(), monotonic: performance.now() };
}

/** The clock that dates files ticks in steps of up to 10 ms. A margin that is too large costs at most one needless copy. */
const marginMs = 50;
/** File systems whose times come from this kernel, by the magic number of statfs(2): XFS, F2FS, ZFS, and those below. */
const localKinds = new Set([0x58465342, 0xf2f52010, 0x2fc12fc1]);
/** File systems that date both of two entries that change places: ext4, Btrfs, tmpfs. XFS does so only across folders. */
const swapDatingKinds = new Set([0xef53, 0x9123683e, 0x01021994]);

export interface TreeChanges {
  /** What a round must look at: nothing, these paths (as `changedPaths` gives them), or everything where the changes are unknown. */
  compare: "none" | "all" | string[];
  /**
   * Files that have changed, but have an older modification time. A package manager sets such times, so that two contents of a file
   * can have the same size and time. Paths are relative to the tree, one character for each byte.
   */
  antedated: string[];
  /** Large regular files with one name that have changed. Paths as in `antedated`. None where the changes are unknown. */
  large: string[];
}

/** In bytes; rsync is as fast as godwit-blocks for smaller files. */
const largeBytes = 4 * 2 ** 20;

/** Bytes of the files of a folder, or of a file, that have changed since an instant. As many as they have, whatever changed in them. */
export async function changedBytes(path: string, since: Instant): Promise<number> {
  const sizes = await run("find", [path, "-type", "f", ...newer(since), "-printf", "%s\\n"]).catch(() => "");
  return sizes.split("\n").reduce((total, size) => total + Number(size), 0);
}

const newer = ({ dated }: Instant) => ["-newerct", `@${((dated - marginMs) / 1000).toFixed(3)}`];

/**
 * What may have changed in a folder, or in a file, since an instant: contents, names, owners, modes, attributes. The answer comes
 * from the change time of each inode, which no program can set. A write through a mapping does not change that time. The answer is
 * `all` on a network file system, if the clock was set meanwhile, and where something is mounted in the folder.
 */
export async function changesSince(
  { path, file }: { path: string; file?: boolean },
  since: Instant,
  now = instant(),
): Promise<TreeChanges> {
  const clockWasSet = Math.abs(now.dated - since.dated - (now.monotonic - since.monotonic)) > marginMs / 2;
  const { type } = await statfs(path);
  const swapsAreDated = swapDatingKinds.has(type);
  if (clockWasSet || !(swapsAreDated || localKinds.has(type)) || (await hasMountsBelow(path))) return everything;
  const changed = newer(since);
  if (file) return (await run("find", [path, ...changed])) === "" ? nothing : everything;
  // Another program may write to a volume, so that an entry can be gone when find examines it.
  return changesIn(path, changed, swapsAreDated).catch(() => everything);
}

const nothing: TreeChanges = { compare: "none", antedated: [], large: [] };
/** What a round must look at where no round was before. */
export const everything: TreeChanges = { compare: "all", antedated: [], large: [] };

async function changesIn(folder: string, changed: string[], swapsAreDated: boolean): Promise<TreeChanges> {
  const printed = (mark: string) => ["-printf", `${mark} %y %D:%i %n %s %p\\0`];
  const linked = ["!", "-type", "d", "-links", "+1"];
  const earlier = ["-type", "f", ...changed, "!", ...changed.map((it) => it.replace("-newerct", "-newermt"))];
  const marked = [...earlier, ...printed("*"), "-o", ...changed, ...printed("+"), "-o", ...linked, ...printed("-")];
  const found = await names(folder, ["."], marked);
  const entries = found.map(entryOf);
  if (!entries.some(({ changed }) => changed)) return nothing;
  const those = (wanted: (entry: FoundEntry) => boolean) =>
    entries.filter(wanted).map(({ path }) => path.slice("./".length));
  const compared = async () => {
    const moved = movedFolders(entries, swapsAreDated);
    // The list would hold everything.
    if (moved.includes(".")) return undefined;
    const below = moved.length > 0 ? await names(folder, moved.map(asArgument), ["-type", "d", "-print0"]) : [];
    return changedPaths(entries, below);
  };
  return {
    compare: (await compared().catch(() => undefined)) ?? "all",
    antedated: those(({ antedated }) => antedated),
    large: those(({ changed, isFile, links, size }) => changed && isFile && links === 1 && size >= largeBytes),
  };
}

/** What `find` prints, run in `folder`: the parts between zero bytes, one character for each byte. */
async function names(folder: string, from: string[], conditions: string[]): Promise<string[]> {
  const output = await run("find", [...from, ...conditions], { cwd: folder, encoding: "latin1" });
  return output.split("\0").filter(Boolean);
}

interface FoundEntry extends Entry {
  antedated: boolean;
  isFile: boolean;
  size: number;
}

function entryOf(line: string): FoundEntry {
  const [mark, type, inode = "", links, size, ...path] = line.split(" ");
  const known = { path: path.join(" "), folder: type === "d", inode, links: Number(links) };
  return { ...known, isFile: type === "f", size: Number(size), changed: mark !== "-", antedated: mark === "*" };
}

/** @throws Error where a path is not UTF-8: Node cannot pass it as an argument unchanged */
function asArgument(path: string): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(path, "latin1"));
}

async function hasMountsBelow(path: string): Promise<boolean> {
  const below = join(await realpath(path), "/");
  const mounts = await mountsOf("self");
  return mounts.some(({ mountpoint }) => mountpoint.length > below.length && mountpoint.startsWith(below));
}
