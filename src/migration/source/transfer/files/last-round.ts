import { type FileTree, isPartlyCopied, plainFiles } from "../../../../host/files/trees.ts";
import { changesOf, type FileTransfer, type Held, holdBlocksOf, holdOne, isWithin, sendOne } from "./send-tree.ts";

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
  const opened: Held<object>[] = [];
  const close = async () => void (await Promise.all(opened.map((it) => it.close())));
  const kept = async <Program>(opening: Promise<Held<Program>>) => {
    const held = await opening;
    opened.push(held);
    return held;
  };
  const hold = async (tree: FileTree, index: number) => {
    if (tree.file || isWithin(tree, trees)) return {};
    const blocks = files.withoutBlocks ? undefined : kept(holdBlocksOf(files, index, { signal }));
    const [rsync] = await allEnded([kept(holdOne(files, index, signal)), blocks]);
    return { rsync, blocks: await blocks };
  };
  const held = await allEnded(trees.map(hold)).catch(async (error) => {
    await close();
    throw error;
  });
  const send = async (tree: FileTree, index: number, mapped: string[]) => {
    if (isWithin(tree, trees)) return;
    const { rsync, blocks } = held[index] ?? {};
    const { compare, antedated, large } = await changesOf(files, tree);
    // Before rsync: it then finds the times and sizes of this host, and compares only owner, mode and attributes.
    const written = [...new Set([...large, ...mapped])];
    const equal = written.length > 0 && blocks ? await blocks.send(written) : new Set<string>();
    const all = () => sendOne(files, index, { signal });
    if (compare === "all") await all().catch(ifPartial(all));
    else {
      const contents = [...(files.onlyContents.get(index) ?? []), ...equal];
      const attributes = (await plainFiles(tree.path, contents)).map((path) => `./${path}`);
      const paths = [...new Set([...(compare === "none" ? [] : compare), ...attributes])];
      if (paths.length > 0) await (rsync ? rsync.send(paths) : all()).catch(ifPartial(all));
    }
    const always = await plainFiles(
      tree.path,
      [...mapped, ...antedated].filter((path) => !equal.has(path)),
    );
    if (always.length > 0) await sendOne(files, index, { always, signal });
  };
  return {
    async send(mapped) {
      await Promise.all(trees.map((tree, index) => send(tree, index, mapped[index] ?? [])));
    },
    close,
  };
}

/** As Promise.all, but not before all have ended: what opens later would stay open. */
async function allEnded<T extends readonly unknown[] | []>(
  all: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

const ifPartial = (again: () => Promise<void>) => (error: unknown) => {
  if (!isPartlyCopied(error)) throw error;
  return again();
};
