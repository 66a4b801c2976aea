import { GodwitError } from "../../contract/errors.ts";
import { type LogMark, readWholeLog } from "../../host/container/logs.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import { changesSince, type Instant, instant } from "../../host/files/tree-changes.ts";
import { holdTree, type Selection, sendTree } from "../../host/files/tree-sync.ts";
import { type FileTree, hasLargeHoles, isPartlyCopied } from "../../host/files/trees.ts";
import type { Peer } from "../../transport/peer.ts";
import type { RateLimit } from "../../transport/rate-limit.ts";
import type { ByteCounter } from "../../transport/streams.ts";
import { peerPaths } from "../peer-paths.ts";
import { tunnelPort } from "./wire.ts";

/** In a second a program does not write much that is not written in the second after it as well. */
const shortRoundMs = 1000;
/** Another round follows where the last one took at most so much of the time of the one before it. */
const worthwhile = 0.75;
/** A round that did not get all files is made again so often; then the one under the freeze, in which nothing changes, gets them. */
const partlyTries = 3;

export interface FileSync {
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
export async function sendTrees(sync: FileSync, signal?: AbortSignal, rate?: RateLimit): Promise<boolean> {
  sync.holes ??= await Promise.all(sync.trees.map(({ path }) => hasLargeHoles(path)));
  const begun = instant();
  const send = async (tree: FileTree, index: number) => {
    const { antedated } = sync.lastRound ? await changesSince(tree, sync.lastRound) : { antedated: [] };
    await sendOne(sync, index, { signal, rate });
    if (antedated.length > 0) await sendOne(sync, index, { always: antedated, signal, rate });
    return true;
  };
  const sending = sync.trees.map((tree, index) =>
    isWithin(tree, sync.trees) ? true : send(tree, index).catch(falseIfPartly),
  );
  const whole = !(await Promise.all(sending)).includes(false);
  if (whole) sync.lastRound = begun;
  return whole;
}

/** Rounds until one is short, or not much shorter than the one before it: what changes during the last one goes under the freeze. */
export async function sendTreesInRounds(sync: FileSync, signal?: AbortSignal, rate?: RateLimit): Promise<void> {
  let triesLeft = partlyTries;
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const begun = performance.now();
    const whole = await sendTrees(sync, signal, rate);
    const took = performance.now() - begun;
    if (!whole && triesLeft-- > 0) continue;
    if (took < shortRoundMs || took > before * worthwhile) return;
    before = took;
  }
}

/** False for a round that did not get all files, which is none to go by. @throws every other error */
function falseIfPartly(error: unknown): false {
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
  /** Takes time on both hosts, which the container need not stand still for. */
  close(): Promise<void>;
}

/** Opens the ways of the last round, and starts rsync for each, while the container still runs. */
export async function openLastRound(sync: FileSync, signal?: AbortSignal): Promise<LastRound> {
  const { peer, migration, counter, trees } = sync;
  const open = async (tree: FileTree, index: number) => {
    if (isWithin(tree, trees)) return undefined;
    const way = await tunnelPort(peer, peerPaths.tree(migration, index), counter, undefined, signal);
    return {
      ...way,
      held: tree.file ? undefined : holdTree(tree.path, way.port, { signal, holes: sync.holes?.[index] }),
    };
  };
  const ways = await Promise.all(trees.map(open));
  const send = async (tree: FileTree, index: number, mapped: string[]) => {
    const way = ways[index];
    if (!way) return;
    const { compare, antedated } = sync.lastRound
      ? await changesSince(tree, sync.lastRound)
      : { compare: "all" as const, antedated: [] };
    const first = () => {
      if (!way.held) return told(peer.name, tree, sendTree(tree, way.port, { signal, holes: sync.holes?.[index] }));
      if (compare === "all" || compare === "none") return sendOne(sync, index, { signal });
      return told(peer.name, tree, way.held.send(compare));
    };
    if (compare !== "none") {
      await first().catch((error) => {
        if (!isPartlyCopied(error)) throw error;
        return sendOne(sync, index, { signal });
      });
    }
    const always = [...mapped, ...antedated];
    if (always.length > 0) await sendOne(sync, index, { always, signal });
  };
  return {
    async send(mapped) {
      await Promise.all(trees.map((tree, index) => send(tree, index, mapped[index] ?? [])));
    },
    async close() {
      await Promise.all(
        ways.map(async (way) => {
          way?.held?.drop();
          await way?.close();
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
  sync: FileSync,
  index: number,
  options: Selection & { rate?: RateLimit | undefined },
): Promise<void> {
  const tree = sync.trees[index];
  if (!tree) return;
  const tunnel = await tunnelPort(
    sync.peer,
    peerPaths.tree(sync.migration, index),
    sync.counter,
    options.rate,
    options.signal,
  );
  try {
    await told(sync.peer.name, tree, sendTree(tree, tunnel.port, { ...options, holes: sync.holes?.[index] }));
  } finally {
    await tunnel.close();
  }
}

/** Tells what kept rsync from it in words of the tree. */
async function told(host: string, tree: FileTree, sending: Promise<void>): Promise<void> {
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
  { migration, peer, counter }: FileSync,
  container: ContainerInspect,
  dockerRoot: string,
  signal?: AbortSignal,
): Promise<LogMark | undefined> {
  const send: Parameters<typeof readWholeLog>[2] = async ({ suffix, bytes }, stream) => {
    await peer.upload(`${peerPaths.log(migration)}?${new URLSearchParams({ suffix })}`, stream, { signal });
    counter.sent += bytes;
  };
  return readWholeLog(container, dockerRoot, send, signal);
}
