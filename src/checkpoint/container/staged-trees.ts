import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { mirrorTree } from "../../host/files/tree-mirror.ts";
import type { FileTree } from "../../host/files/trees.ts";
import { mountsOfAll } from "../../host/proc/mountinfo.ts";
import { run } from "../../host/proc/process.ts";

/** A tree of files that replaces a container's. */
export interface SavedTree {
  kind: FileTree["kind"];
  /** Where the container sees it. */
  destination: string;
  path: string;
}

/** A saved tree, and the folder that it replaces. */
export interface TreeSwap {
  from: string;
  path: string;
  /** Name of the volume with this folder. */
  volume?: string;
}

/* A tree is copied beside the folder that it replaces, then a rename puts it there. A frozen container that has the folder mounted
 * keeps the files that it had, each open file included. A rename back undoes the swap. */

const stagedBeside = (path: string) => `${path}.godwit-new`;
const keptBeside = (path: string) => `${path}.godwit-old`;

/** Pairs saved trees with the container's trees that they replace. It leaves out a tree that the container does not have any more. */
export function swapsOf(saved: SavedTree[], targets: FileTree[]): TreeSwap[] {
  return saved.flatMap(({ kind, destination, path: from }) => {
    const target = targets.find((tree) => tree.kind === kind && tree.destination === destination);
    if (!target || target.path === from) return [];
    return [{ from, path: target.path, ...(kind === "volume" ? { volume: target.name } : {}) }];
  });
}

/** Copies the trees beside their places. A second call brings the copies up to date. @throws command-failed */
export async function stageTrees(swaps: TreeSwap[], signal?: AbortSignal): Promise<void> {
  for (const { from, path } of swaps) {
    await mkdir(stagedBeside(path), { recursive: true, mode: 0o700 });
    await mirrorTree(from, stagedBeside(path), signal);
  }
}

/** Puts the staged trees into their places. */
export async function swapTrees(paths: string[]): Promise<void> {
  for (const path of paths) {
    await rename(path, keptBeside(path));
    await rename(stagedBeside(path), path);
  }
}

/** Restores the state before `stageTrees`, whatever was done since. Harmless the second time. */
export async function undoSwap(paths: string[]): Promise<void> {
  for (const path of paths) {
    if (existsSync(keptBeside(path))) {
      await remove(path);
      await rename(keptBeside(path), path);
    }
    await remove(stagedBeside(path));
  }
}

/**
 * Keeps the swapped trees and removes what they replaced. It keeps a replaced tree that somebody has mounted: what is written there is
 * in no other place. Harmless the second time.
 * @returns the folders that it kept
 */
export async function keepSwap(paths: string[]): Promise<string[]> {
  const left: string[] = [];
  for (const path of paths.map(keptBeside)) {
    if (await isMounted(path)) left.push(path);
    else await remove(path);
  }
  return left;
}

/** Whether a folder is mounted in any mount namespace. The kernel shows it by its path on its own file system. */
async function isMounted(path: string): Promise<boolean> {
  const end = `/${path.split("/").slice(-2).join("/")}`;
  return (await mountsOfAll()).some(({ root, mountpoint }) => root.endsWith(end) || mountpoint.endsWith(end));
}

const remove = (path: string) => run("rm", ["-rf", "--one-file-system", "--", path]);
