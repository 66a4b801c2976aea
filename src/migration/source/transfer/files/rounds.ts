import { changedBytes, type Instant, instant } from "../../../../host/files/tree-changes.ts";
import { type FileTree, hasLargeHoles, isPartlyCopied, plainFiles } from "../../../../host/files/trees.ts";
import type { RateLimit } from "../../../../transport/streams/rate-limit.ts";
import { changesOf, type FileTransfer, holdBlocksOf, isWithin, type Limits, sendOne } from "./send-tree.ts";

/** Rounds shorter than this save little: the same files change again. */
const shortRoundMs = 1000;
/** Another round follows only if the last one took at most this share of the time of the one before. */
const worthwhile = 0.75;
/** Less than this is compared under the freeze as fast. */
const muchBytes = 4 * 2 ** 20;
/** Retries of an incomplete round; the final, frozen round copies the rest. */
const partialRetries = 3;

/** One round over all trees at once. Time and size tell what changed. @returns whether it got all files */
export async function sendTrees(files: FileTransfer, signal?: AbortSignal, rate?: RateLimit): Promise<boolean> {
  files.holes ??= await Promise.all(files.trees.map(({ path }) => hasLargeHoles(path)));
  const begun = instant();
  const { firstRound, lastRound } = files;
  files.firstRound ??= begun;
  const limits = { signal, rate };
  const send = async (tree: FileTree, index: number) => {
    const { antedated, large } = await changesOf({ firstRound, lastRound }, tree);
    const equal = await sendLarge(files, index, large, limits);
    await sendOne(files, index, { without: [...equal], ...limits });
    // rsync has looked at all others, also at those that an earlier round left out.
    files.onlyContents.set(index, equal);
    const always = await plainFiles(
      tree.path,
      antedated.filter((path) => !equal.has(path)),
    );
    if (always.length > 0) await sendOne(files, index, { always, ...limits });
    return true;
  };
  const sending = files.trees.map((tree, index) =>
    isWithin(tree, files.trees) ? true : send(tree, index).catch(falseIfPartial),
  );
  const whole = !(await Promise.all(sending)).includes(false);
  if (whole) files.lastRound = begun;
  return whole;
}

/** @returns the files that rsync must leave out: it would make one anew that has changed again meanwhile */
async function sendLarge(files: FileTransfer, index: number, paths: string[], limits: Limits): Promise<Set<string>> {
  if (paths.length === 0 || files.withoutBlocks) return new Set();
  const blocks = await holdBlocksOf(files, index, limits);
  const failed = () => {
    // rsync takes all files from now on, and says what is wrong if it is the connection.
    files.withoutBlocks = true;
    return new Set<string>();
  };
  const equal = await blocks.send(paths).catch(failed).finally(blocks.close);
  files.onlyContents.set(index, new Set([...(files.onlyContents.get(index) ?? []), ...equal]));
  return equal;
}

/** A round of files before it begins: its number, and the bytes of the files that have changed; of the first round undefined. */
export interface FileRound {
  number: number;
  changedBytes: number | undefined;
}

/**
 * Rounds until one is short, or not much shorter than the one before it: what changes during the last one goes under the freeze.
 * @param around calls `send`, which is a round
 */
export async function sendTreesInRounds(
  files: FileTransfer,
  around: (round: FileRound, send: () => Promise<boolean>) => Promise<boolean>,
  signal?: AbortSignal,
  rate?: RateLimit,
): Promise<void> {
  let retriesLeft = partialRetries;
  let before = Number.POSITIVE_INFINITY;
  for (let number = 1; ; number++) {
    const since = files.lastRound ?? files.firstRound;
    const round = { number, changedBytes: since && (await changedIn(files, since)) };
    const begun = performance.now();
    const whole = await around(round, () => sendTrees(files, signal, rate));
    const took = performance.now() - begun;
    if (!whole && retriesLeft-- > 0) continue;
    if (took < shortRoundMs || took > before * worthwhile) return;
    before = took;
  }
}

async function changedIn({ trees }: FileTransfer, since: Instant): Promise<number> {
  const changed = await Promise.all(trees.map(({ path }) => changedBytes(path, since)));
  return changed.reduce((total, bytes) => total + bytes, 0);
}

/**
 * Right before the freeze, which may come seconds after the last round: another one, where much has changed since. rsync then finds
 * most of a large file unchanged.
 */
export async function sendMuchChanged(files: FileTransfer, signal?: AbortSignal, rate?: RateLimit): Promise<void> {
  const { lastRound } = files;
  if (lastRound && (await changedIn(files, lastRound)) >= muchBytes) await sendTrees(files, signal, rate);
}

/** False if the round missed files. Such a round must not be compared with others. @throws every other error */
function falseIfPartial(error: unknown): false {
  if (isPartlyCopied(error)) return false;
  throw error;
}
