import { lstat, readFile, realpath } from "node:fs/promises";
import { relative } from "node:path";
import { CommandFailed, run } from "../proc/process.ts";
import type { ContainerProcess } from "../proc/processes.ts";

/** A folder or a file that a container uses. */
export interface FileTree {
  kind: "writable-layer" | "volume" | "bind";
  /** The name of the volume. For the writable layer it is the container's name, for a bind mount its source. */
  name: string;
  /** Where the container sees it. */
  destination: string;
  /** Folder on this host; with `file`, a file. */
  path: string;
  file?: boolean;
}

/** Trees that belong to the container. A checkpoint contains them. */
export type OwnTree = FileTree & { kind: "writable-layer" | "volume" };

/**
 * rsync options for an exact copy: hard links, ACLs, extended attributes (also overlay's own), holes, device nodes (whiteouts),
 * sockets and fifos, owners by number, times in nanoseconds. rsync also compares times in nanoseconds (`--modify-window=-1`). With
 * whole seconds it would miss a file that another one of the same size replaced within a second. `--xattrs` stands twice: a single
 * one leaves out attributes whose names begin with `user.rsync.%`. rsync reads the whole tree before it sends anything
 * (`--no-inc-recursive`): otherwise it can wait for ever where a program renames and links files meanwhile (5 of 220 runs beside one
 * that did nothing else, rsync 3.5.1; none of 320 with this option).
 */
export const exactCopy = [
  "--archive",
  "--no-inc-recursive",
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
 * Exit statuses of rsync that are no failure. 24: a file was gone when rsync came to it. A running container may remove its files at
 * any time. The round under the freeze, in which no file can disappear, completes the copy.
 */
export const copied = [24];

/**
 * Exit status of rsync where it could not copy some files, and copied all others. There are two causes:
 * - A running container changed a file meanwhile. It removed a file that its image also has, so that the writable layer has a device
 *   in its place, or it wrote to the file all the time.
 * - A device or a fifo with several names, such as a whiteout, replaced a folder. rsync makes it, and then fails to find the ACL of
 *   the folder. A second run over the same files succeeds.
 */
const partlyCopied = 23;

/** Whether an error of `run` has that status. */
export const isPartlyCopied = (error: unknown): boolean =>
  error instanceof CommandFailed && error.status === partlyCopied;

export interface TreeSize {
  /** Bytes of data in its files. Holes do not count, and neither does the rest of a file's last block. */
  bytes: number;
  /** Bytes of all holes together. */
  holes: number;
}

/** Measures a tree by one walk, which stays on one file system. A file with several names counts once. A missing folder has size 0. */
export async function treeSize(path: string): Promise<TreeSize> {
  const listed = [path, "-xdev", "-type", "f", "-printf", "%D:%i %n %s %b\\n"];
  const sums = await run("sh", ["-c", sumUp, "sh", ...listed]);
  const [bytes = 0, holes = 0] = sums.split(" ").map(Number);
  return { bytes, holes };
}

export const treeBytes = async (path: string): Promise<number> => (await treeSize(path)).bytes;

/** In bytes. For smaller holes, compressing the tree's other files takes longer than sending the zeros. */
const largeHoles = 4 * 2 ** 20;

/** Whether a tree is better compressed on its way to another host. */
export const hasLargeHoles = async (path: string): Promise<boolean> => (await treeSize(path)).holes >= largeHoles;

/** awk sums up, because the list of a tree of a million files would take too much of the agent's memory. Errors of find are ignored. */
const sumUp = `find "$@" 2>/dev/null | awk '
  $2 > 1 && seen[$1]++ { next }
  { held = $4 * 512 < $3 ? $4 * 512 : $3; bytes += held; holes += $3 - held }
  END { printf "%.0f %.0f", bytes, holes }'`;

/**
 * Files of `tree` that a process has mapped shared and writable: sorted paths relative to the tree, one character for each byte. A
 * write through a mapping does not change the time of a file, so that a copy by time and size needs this list.
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

/**
 * Those of some paths of a tree that are plain files in it, without a link on the way: rsync would follow one, out of the tree, and make
 * a folder in its place. Paths are relative to the tree, one character for each byte.
 */
export async function plainFiles(folder: string, paths: string[]): Promise<string[]> {
  const known = new Map<string, Promise<boolean>>();
  const kindOf = (path: string) => lstat(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]));
  const isFolder = (path: string): Promise<boolean> => {
    if (path === "") return Promise.resolve(true);
    const found = known.get(path) ?? isFolderIn(path);
    known.set(path, found);
    return found;
  };
  const isFolderIn = async (path: string) =>
    (await isFolder(above(path))) && (await kindOf(path).then((it) => it.isDirectory(), isGone));
  const isPlain = async (path: string) =>
    (await isFolder(above(path))) && (await kindOf(path).then((it) => it.isFile(), isGone));
  const plain = await Promise.all(paths.map(isPlain));
  return paths.filter((_, i) => plain[i]);
}

const above = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

function isGone(error: NodeJS.ErrnoException): false {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
  throw error;
}

async function exists(folder: string, path: string): Promise<boolean> {
  return realpath(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")])).then(
    () => true,
    () => false,
  );
}
