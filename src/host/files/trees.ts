import { readFile, realpath } from "node:fs/promises";
import { relative } from "node:path";
import { CommandFailed, run } from "../proc/process.ts";
import type { ContainerProcess } from "../proc/processes.ts";

/** Files that belong to a container. */
export interface FileTree {
  kind: "writable-layer" | "volume" | "bind";
  /** Of the volume; for the writable layer the container's name, for a bind mount its source. */
  name: string;
  /** Where the container sees it. */
  destination: string;
  /** Folder on this host, or the one file that it is. */
  path: string;
  file?: boolean;
}

/** Trees that are the container's own: a checkpoint has them. */
export type OwnTree = FileTree & { kind: "writable-layer" | "volume" };

/**
 * rsync options for an exact copy: hard links, ACLs, extended attributes (overlay's own among them), holes, device nodes
 * (whiteouts), sockets and fifos, owners by number, times in nanoseconds. By those it also tells what has changed: by whole
 * seconds, as it would otherwise, a file that was replaced by one of the same size within a second would stay as it was.
 * `--xattrs` is there twice: with one of them, rsync leaves out attributes whose names begin with `user.rsync.%`.
 */
export const exactCopy = [
  "--archive",
  "--hard-links",
  "--acls",
  "--xattrs",
  "--xattrs",
  "--sparse",
  "--numeric-ids",
  "--modify-window=-1",
  "--delete",
  "--delete-during",
];

/**
 * rsync's statuses that are no failure: 24, a file was gone when its turn came. A container that runs removes its files as it
 * likes, and the round under the freeze, in which nothing can be gone, makes the copy whole.
 */
export const copied = [24];

/**
 * rsync's status where some of the files could not be copied, and all others were, but for what is gone: in a container that runs,
 * one that was removed where an image has another (the writable layer has a device in its place then), or that was written to all
 * the time. And where a folder gave way to one of several names of a device or a fifo, as whiteouts are: rsync has done it, and then
 * looks for the ACL of the folder. A second run over the same files finds the second kind in order.
 */
const partlyCopied = 23;

export const isPartlyCopied = (error: unknown): boolean =>
  error instanceof CommandFailed && error.status === partlyCopied;

export interface TreeSize {
  /** What its files hold. A hole counts as nothing, and neither does what the file system adds to a small file. */
  bytes: number;
  /** What all holes together span. */
  holes: number;
}

/** One walk, on one file system; nothing where the folder is gone. A file with several names counts once. */
export async function treeSize(path: string): Promise<TreeSize> {
  const listed = [path, "-xdev", "-type", "f", "-printf", "%D:%i %n %s %b\\n"];
  const sums = await run("sh", ["-c", sumUp, "sh", ...listed]);
  const [bytes = 0, holes = 0] = sums.split(" ").map(Number);
  return { bytes, holes };
}

export const treeBytes = async (path: string): Promise<number> => (await treeSize(path)).bytes;

/** Smaller ones take less time to send as they are than their tree's other files take to compress. */
const largeHoles = 4 * 2 ** 20;

/** Whether a tree is better compressed on its way to another host. */
export const hasLargeHoles = async (path: string): Promise<boolean> => (await treeSize(path)).holes >= largeHoles;

/** A tree of a million files is a long list, which is not worth the agent's memory. What vanishes meanwhile is no failure. */
const sumUp = `find "$@" 2>/dev/null | awk '
  $2 > 1 && seen[$1]++ { next }
  { held = $4 * 512 < $3 ? $4 * 512 : $3; bytes += held; holes += $3 - held }
  END { printf "%.0f %.0f", bytes, holes }'`;

/**
 * Files below `tree` that a process has mapped shared and writable, as paths relative to it, a character a byte. Their times say
 * nothing about their contents, so that a copy by time and size must be told to look at them.
 */
export async function mappedFiles(processes: ContainerProcess[], tree: FileTree): Promise<string[]> {
  const found = new Set<string>();
  const destination = Buffer.from(tree.destination).toString("latin1");
  for (const { hostPid } of processes) {
    const maps = await readFile(`/proc/${hostPid}/maps`, "latin1").catch(() => "");
    for (const line of maps.split("\n")) {
      const [, permissions = "", , , inode = "0"] = line.split(/\s+/, 5);
      const path = line.slice(line.indexOf("/")).replaceAll("\\012", "\n");
      if (!permissions.includes("w") || !permissions.endsWith("s") || inode === "0" || !path.startsWith("/")) continue;
      const inTree = relative(destination, path);
      if (inTree !== "" && !inTree.startsWith("..")) found.add(inTree);
    }
  }
  const existing = await Promise.all(
    [...found].map(async (path) => ((await exists(tree.path, path)) ? path : undefined)),
  );
  return existing.filter((path) => path !== undefined).sort();
}

async function exists(folder: string, path: string): Promise<boolean> {
  return realpath(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")])).then(
    () => true,
    () => false,
  );
}
