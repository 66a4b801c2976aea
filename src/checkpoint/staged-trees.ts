import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { type FileTree, mirrorTree } from "../host/container/trees.ts";
import { run } from "../host/process.ts";

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
}

/* A tree is copied beside the folder that it replaces, and takes its place by a rename. Whoever has the folder mounted, such as a
 * frozen container, keeps the files that it had, down to each open one; a rename back undoes the swap. */

const stagedBeside = (path: string) => `${path}.godwit-new`;
const keptBeside = (path: string) => `${path}.godwit-old`;

/** Which saved tree takes the place of which of a container's. A tree that the container does not have any more is left out. */
export function swapsOf(saved: SavedTree[], targets: FileTree[]): TreeSwap[] {
  return saved.flatMap(({ kind, destination, path: from }) => {
    const target = targets.find((tree) => tree.kind === kind && tree.destination === destination);
    return target && target.path !== from ? [{ from, path: target.path }] : [];
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

/** The swapped trees stay; what they replaced goes. Harmless the second time. */
export async function keepSwap(paths: string[]): Promise<void> {
  for (const path of paths) await remove(keptBeside(path));
}

const remove = (path: string) => run("rm", ["-rf", "--one-file-system", "--", path]);
