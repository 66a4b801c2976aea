import { changesSince, everything } from "../../../../host/files/tree-changes.ts";
import { type FileTree, isPartlyCopied } from "../../../../host/files/trees.ts";
import { type FileTransfer, holdBlocksOf, holdOne, isWithin, sendOne } from "./send-tree.ts";

/** The round under the freeze. */
export interface LastRound {
  /**
   * Sends what has changed in the trees since the round before, and the files that a process writes through a mapping, whatever
   * their times say; those by tree.
   */
  send(mapped: string[][]): Promise<void>;
  /** Call it after the resume: it takes time on both hosts. */
  close(): Promise<void>;
}

/** Opens the connections of the last round, and starts its programs for each tree, while the container still runs. */
export async function openLastRound(files: FileTransfer, signal?: AbortSignal): Promise<LastRound> {
  const { trees } = files;
  const hold = async (tree: FileTree, index: number) => {
    if (tree.file || isWithin(tree, trees)) return {};
    const [rsync, blocks] = await Promise.all([holdOne(files, index, signal), holdBlocksOf(files, index, { signal })]);
    return { rsync, blocks };
  };
  const held = await Promise.all(trees.map(hold));
  const send = async (tree: FileTree, index: number, mapped: string[]) => {
    if (isWithin(tree, trees)) return;
    const { rsync, blocks } = held[index] ?? {};
    const { compare, antedated, large } = files.lastRound ? await changesSince(tree, files.lastRound) : everything;
    // Before rsync: it then finds the times and sizes of this host, and compares only owner, mode and attributes.
    const written = [...new Set([...large, ...mapped])];
    const equal = written.length > 0 && blocks ? await blocks.send(written) : new Set<string>();
    const all = () => sendOne(files, index, { signal });
    if (compare === "all") await all().catch(ifPartial(all));
    else {
      const attributes = [...(files.onlyContents?.[index] ?? []), ...equal].map((path) => `./${path}`);
      const paths = [...new Set([...(compare === "none" ? [] : compare), ...attributes])];
      if (paths.length > 0) await (rsync ? rsync.send(paths) : all()).catch(ifPartial(all));
    }
    const always = [...mapped, ...antedated].filter((path) => !equal.has(path));
    if (always.length > 0) await sendOne(files, index, { always, signal });
  };
  return {
    async send(mapped) {
      await Promise.all(trees.map((tree, index) => send(tree, index, mapped[index] ?? [])));
    },
    async close() {
      await Promise.all(held.flatMap(({ rsync, blocks }) => [rsync?.close(), blocks?.close()]));
    },
  };
}

const ifPartial = (again: () => Promise<void>) => (error: unknown) => {
  if (!isPartlyCopied(error)) throw error;
  return again();
};
