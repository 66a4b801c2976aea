import { GodwitError } from "../../../contract/errors.ts";
import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { type LogMark, readWholeLog } from "../../../host/container/logs/logs.ts";
import type { ContainerInspect } from "../../../host/engine/inspect.ts";
import { changedBytes, changesSince, type Instant, instant } from "../../../host/files/tree-changes.ts";
import { holdTree, type Selection, sendTree } from "../../../host/files/tree-sync.ts";
import { type FileTree, hasLargeHoles, isPartlyCopied } from "../../../host/files/trees.ts";
import type { Peer } from "../../../transport/peer.ts";
import { uploadToPeer } from "../../../transport/peer-calls.ts";
import type { RateLimit } from "../../../transport/streams/rate-limit.ts";
import type { ByteCounter } from "../../../transport/streams/streams.ts";
import { type TunnelPort, tunnelPort } from "./tunnel-port.ts";

/** Rounds shorter than this save little: the same files change again. */
const shortRoundMs = 1000;
/** Another round follows only if the last one took at most this share of the time of the one before. */
const worthwhile = 0.75;
/** Less than this is compared under the freeze as fast. */
const muchBytes = 4 * 2 ** 20;
/** Retries of an incomplete round; the final, frozen round copies the rest. */
const partialRetries = 3;

export interface FileTransfer {
  migration: string;
  peer: Peer;
  trees: FileTree[];
  counter: ByteCounter;
  /** When the last whole round began. */
  lastRound?: Instant;
  /** Whether each tree has large holes; known from the first round on. */
  holes?: boolean[];
}

/** One round over all trees at once. Time and size tell what changed. @returns whether it got all files */
export async function sendTrees(files: FileTransfer, signal?: AbortSignal, rate?: RateLimit): Promise<boolean> {
  files.holes ??= await Promise.all(files.trees.map(({ path }) => hasLargeHoles(path)));
  const begun = instant();
  const send = async (tree: FileTree, index: number) => {
    const { antedated } = files.lastRound ? await changesSince(tree, files.lastRound) : { antedated: [] };
    await sendOne(files, index, { signal, rate });
    if (antedated.length > 0) await sendOne(files, index, { always: antedated, signal, rate });
    return true;
  };
  const sending = files.trees.map((tree, index) =>
    isWithin(tree, files.trees) ? true : send(tree, index).catch(falseIfPartial),
  );
  const whole = !(await Promise.all(sending)).includes(false);
  if (whole) files.lastRound = begun;
  return whole;
}

/** Rounds until one is short, or not much shorter than the one before it: what changes during the last one goes under the freeze. */
export async function sendTreesInRounds(files: FileTransfer, signal?: AbortSignal, rate?: RateLimit): Promise<void> {
  let retriesLeft = partialRetries;
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const begun = performance.now();
    const whole = await sendTrees(files, signal, rate);
    const took = performance.now() - begun;
    if (!whole && retriesLeft-- > 0) continue;
    if (took < shortRoundMs || took > before * worthwhile) return;
    before = took;
  }
}

/**
 * Right before the freeze, which may come seconds after the last round: another one, where much has changed since. rsync then finds
 * most of a large file unchanged.
 */
export async function sendMuchChanged(files: FileTransfer, signal?: AbortSignal, rate?: RateLimit): Promise<void> {
  const { lastRound, trees } = files;
  if (!lastRound) return;
  const changed = await Promise.all(trees.map(({ path }) => changedBytes(path, lastRound)));
  if (changed.reduce((total, bytes) => total + bytes, 0) >= muchBytes) await sendTrees(files, signal, rate);
}

/** False if the round missed files. Such a round must not be compared with others. @throws every other error */
function falseIfPartial(error: unknown): false {
  if (isPartlyCopied(error)) return false;
  throw error;
}

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

/** Opens the connections of the last round, and starts rsync for each, while the container still runs. */
export async function openLastRound(files: FileTransfer, signal?: AbortSignal): Promise<LastRound> {
  const { peer, trees } = files;
  const open = async (tree: FileTree, index: number) => {
    if (isWithin(tree, trees)) return undefined;
    const tunnel = await openTree(files, index, { signal });
    return {
      ...tunnel,
      held: tree.file ? undefined : holdTree(tree.path, tunnel.port, { signal, holes: files.holes?.[index] }),
    };
  };
  const tunnels = await Promise.all(trees.map(open));
  const send = async (tree: FileTree, index: number, mapped: string[]) => {
    const tunnel = tunnels[index];
    if (!tunnel) return;
    const { compare, antedated } = files.lastRound
      ? await changesSince(tree, files.lastRound)
      : { compare: "all" as const, antedated: [] };
    const first = () => {
      if (!tunnel.held)
        return explainRsyncErrors(
          peer.name,
          tree,
          sendTree(tree, tunnel.port, { signal, holes: files.holes?.[index] }),
        );
      if (compare === "all" || compare === "none") return sendOne(files, index, { signal });
      return explainRsyncErrors(peer.name, tree, tunnel.held.send(compare));
    };
    if (compare !== "none") {
      await first().catch((error) => {
        if (!isPartlyCopied(error)) throw error;
        return sendOne(files, index, { signal });
      });
    }
    const always = [...mapped, ...antedated];
    if (always.length > 0) await sendOne(files, index, { always, signal });
  };
  return {
    async send(mapped) {
      await Promise.all(trees.map((tree, index) => send(tree, index, mapped[index] ?? [])));
    },
    async close() {
      await Promise.all(
        tunnels.map(async (tunnel) => {
          tunnel?.held?.drop();
          await tunnel?.close();
        }),
      );
    },
  };
}

/** A bind mount of something below another one goes with that: sent by itself, it would change the folder that it lies in. */
function isWithin({ kind, path }: FileTree, trees: FileTree[]): boolean {
  return kind === "bind" && trees.some((other) => other.kind === "bind" && path.startsWith(`${other.path}/`));
}

async function sendOne(
  files: FileTransfer,
  index: number,
  options: Selection & { rate?: RateLimit | undefined },
): Promise<void> {
  const tree = files.trees[index];
  if (!tree) return;
  const tunnel = await openTree(files, index, options);
  try {
    await explainRsyncErrors(
      files.peer.name,
      tree,
      sendTree(tree, tunnel.port, { ...options, holes: files.holes?.[index] }),
    );
  } finally {
    await tunnel.close();
  }
}

const openTree = (
  { peer, migration, counter }: FileTransfer,
  index: number,
  options: { rate?: RateLimit | undefined; signal?: AbortSignal | undefined },
): Promise<TunnelPort> => tunnelPort(peer, migrationProtocol.tree, { migration, index }, { counter, ...options });

/** @throws no-space in words of the tree, where that is what rsync says */
async function explainRsyncErrors(host: string, tree: FileTree, sending: Promise<void>): Promise<void> {
  try {
    await sending;
  } catch (error) {
    throw isFull(error) ? noSpace(host, tree, error) : error;
  }
}

/** Whether rsync on the other side said so. */
const isFull = (error: unknown): error is GodwitError =>
  error instanceof GodwitError &&
  error.details.some((line) => /No space left on device|Disk quota exceeded/.test(line));

const nameOf = { volume: "volume", bind: "bind mount" };

function noSpace(host: string, { kind, name }: FileTree, { details }: GodwitError): GodwitError {
  const what = kind === "writable-layer" ? `the files of '${name}'` : `the ${nameOf[kind]} '${name}'`;
  return new GodwitError("no-space", `${host} has no space left for ${what}.`, {
    hint: `Make room on ${host}, for instance with: docker system prune`,
    details,
  });
}

/** Sends the log as it is now. @returns how far it was sent */
export function sendLogs(
  { migration, peer, counter }: FileTransfer,
  container: ContainerInspect,
  dockerRoot: string,
  signal?: AbortSignal,
): Promise<LogMark | undefined> {
  const send: Parameters<typeof readWholeLog>[2] = async ({ suffix, bytes }, stream) => {
    await uploadToPeer(peer, migrationProtocol.sendLog, { migration }, { suffix }, stream, { signal });
    counter.sent += bytes;
  };
  return readWholeLog(container, dockerRoot, send, signal);
}
