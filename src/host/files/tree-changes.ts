import { realpath, statfs } from "node:fs/promises";
import { join } from "node:path";
import { mountsOf } from "../proc/mountinfo.ts";
import { run } from "../proc/process.ts";
import { changedPaths, type Entry, movedFolders } from "./changed-paths.ts";

/** An instant of this host: of the clock that files are dated by, and of the one that is never set, both in ms. */
export interface Instant {
  dated: number;
  monotonic: number;
}

export function instant(): Instant {
  return { dated: Date.now(), monotonic: performance.now() };
}

/** Files are dated by a clock that ticks in steps of up to 10 ms; more than that costs one copy too many at most. */
const marginMs = 50;
/** File systems whose times are this kernel's, by the magic number of statfs(2): XFS, F2FS, ZFS, and those below. */
const localKinds = new Set([0x58465342, 0xf2f52010, 0x2fc12fc1]);
/** Those that date both of two things that change places: ext4, Btrfs, tmpfs. XFS does so only across folders. */
const swapDatingKinds = new Set([0xef53, 0x9123683e, 0x01021994]);

export interface TreeChanges {
  /** What a round must look at: these paths, as `changedPaths` gives them, and everything where that cannot be told. */
  compare: "none" | "all" | string[];
  /**
   * Files that have changed, and have a time from before: a package manager gives each file the time that its package has for it,
   * so that another content may have the same size and time. Relative to the tree, a character a byte.
   */
  antedated: string[];
}

/**
 * What may have changed in a folder, or a file, since an instant: contents, names, owners, modes, attributes. It goes by the
 * time of an inode's last change, which no program can set; only what is written through a mapping does not show in it. It cannot
 * be told on a network's file system, when the clock was set meanwhile, and where something is mounted in the folder.
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
  const changed = ["-newerct", `@${((since.dated - marginMs) / 1000).toFixed(3)}`];
  if (file) return (await run("find", [path, ...changed])) === "" ? nothing : everything;
  // Somebody else may write to a volume, so that what was found is gone when its turn comes.
  return changesIn(path, changed, swapsAreDated).catch(() => everything);
}

const nothing: TreeChanges = { compare: "none", antedated: [] };
const everything: TreeChanges = { compare: "all", antedated: [] };

async function changesIn(folder: string, changed: string[], swapsAreDated: boolean): Promise<TreeChanges> {
  const printed = (mark: string) => ["-printf", `${mark} %y %D:%i %n %p\\0`];
  const linked = ["!", "-type", "d", "-links", "+1"];
  const earlier = ["-type", "f", ...changed, "!", ...changed.map((it) => it.replace("-newerct", "-newermt"))];
  const marked = [...earlier, ...printed("*"), "-o", ...changed, ...printed("+"), "-o", ...linked, ...printed("-")];
  const found = await names(folder, ["."], marked);
  const entries = found.map(entryOf);
  if (!entries.some(({ changed }) => changed)) return nothing;
  const antedated = entries.filter((entry) => entry.antedated).map(({ path }) => path.slice("./".length));
  const compared = async () => {
    const moved = movedFolders(entries, swapsAreDated);
    // Then a list would be as long as the walk.
    if (moved.includes(".")) return undefined;
    const below = moved.length > 0 ? await names(folder, moved.map(asArgument), ["-type", "d", "-print0"]) : [];
    return changedPaths(entries, below);
  };
  return { compare: (await compared().catch(() => undefined)) ?? "all", antedated };
}

/** What find prints of these in a folder, a character a byte. */
async function names(folder: string, from: string[], conditions: string[]): Promise<string[]> {
  const output = await run("find", [...from, ...conditions], { cwd: folder, encoding: "latin1" });
  return output.split("\0").filter(Boolean);
}

function entryOf(line: string): Entry & { antedated: boolean } {
  const [mark, type, inode = "", links, ...path] = line.split(" ");
  const known = { path: path.join(" "), folder: type === "d", inode, links: Number(links) };
  return { ...known, changed: mark !== "-", antedated: mark === "*" };
}

/** @throws Error where a name is not UTF-8: as an argument it would be another one */
function asArgument(path: string): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(path, "latin1"));
}

async function hasMountsBelow(path: string): Promise<boolean> {
  const below = join(await realpath(path), "/");
  const mounts = await mountsOf("self");
  return mounts.some(({ mountpoint }) => mountpoint.length > below.length && mountpoint.startsWith(below));
}
