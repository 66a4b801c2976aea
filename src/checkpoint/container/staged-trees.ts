import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { mirrorTree } from "../../host/files/tree-mirror.ts";
import type { FileTree } from "../../host/files/trees.ts";
import { mountsOfAll } from "../../host/proc/mountinfo.ts";
import { run } from "../../host/proc/process.ts";

/** A tree of files that is to take the place of a container's. */
export interface SavedTree {
  kind: FileTree["kind"];
  /** Where the container sees it. */
  destination: string;
  path: string;
}

/** A saved tree, and the folder that it takes the place of. */
export interface TreeSwap {
  from: string;
  path: string;
  /** Name of the volume whose folder that is. */
  volume?: string;
}

/* A tree is copied beside the folder that it replaces, and takes its place by a rename. Whoever has the folder mounted, such as a
 * frozen container, keeps the files that it had, down to each open one; a rename back undoes the swap. */

const stagedBeside = (path: string) => `${path}.godwit-new`;
const keptBeside = (path: string) => `${path}.godwit-old`;

/** Which saved tree takes the place of which of a container's. A tree that the container does not have any more is left out. */
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

/** Everything is again as it was before `stageTrees`, whatever was done since. Harmless the second time. */
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
 * The swapped trees stay; what they replaced goes, unless somebody came to have it mounted: what is written there is in no other
 * place. Harmless the second time.
 * @returns what was left
 */
export async function keepSwap(paths: string[]): Promise<string[]> {
  const left: string[] = [];
  for (const path of paths.map(keptBeside)) {
    if (await isMounted(path)) left.push(path);
    else await remove(path);
  }
  return left;
}

/** In any mount namespace. The kernel tells a folder that is mounted by its path on its own file system. */
async function isMounted(path: string): Promise<boolean> {
  const end = `/${path.split("/").slice(-2).join("/")}`;
  return (await mountsOfAll()).some(({ root, mountpoint }) => root.endsWith(end) || mountpoint.endsWith(end));
}

const remove = (path: string) => run("rm", ["-rf", "--one-file-system", "--", path]);
