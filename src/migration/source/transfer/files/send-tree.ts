import { GodwitError } from "../../../../contract/errors.ts";
import { migrationProtocol, type PeerStream } from "../../../../contract/peer/protocol.ts";
import { type HeldBlocks, holdBlocks } from "../../../../host/files/blocks.ts";
import { changesSince, everything, type Instant, type TreeChanges } from "../../../../host/files/tree-changes.ts";
import { type HeldTree, holdTree, type Selection, sendTree } from "../../../../host/files/tree-sync.ts";
import type { FileTree } from "../../../../host/files/trees.ts";
import type { Peer } from "../../../../transport/peer.ts";
import type { RateLimit } from "../../../../transport/streams/rate-limit.ts";
import type { ByteCounter } from "../../../../transport/streams/streams.ts";
import { type TunnelPort, tunnelPort } from "../tunnel-port.ts";

export interface FileTransfer {
  migration: string;
  peer: Peer;
  trees: FileTree[];
  counter: ByteCounter;
  /** When the first round began, and when the last one did that got all files. */
  firstRound?: Instant | undefined;
  lastRound?: Instant | undefined;
  /** By tree, files of which godwit-blocks sent contents and times: rsync must still look at their owner, mode and attributes. */
  onlyContents: Map<number, Set<string>>;
  /** Whether each tree has large holes; known from the first round on. */
  holes?: boolean[];
  /** Whether godwit-blocks has failed in a round. */
  withoutBlocks?: boolean;
  /** godwit-blocks; the installed one, if not given. */
  program?: string;
}

/** How fast, and until when. */
export interface Limits {
  rate?: RateLimit | undefined;
  signal?: AbortSignal | undefined;
}

/** Sends a tree, or what `Selection` says of it. @throws no-space; command-failed */
export async function sendOne(files: FileTransfer, index: number, options: Selection & Limits = {}): Promise<void> {
  const { tree, tunnel } = await openTree(files, index, options);
  const sent = sendTree(tree, tunnel.port, { ...options, holes: files.holes?.[index] });
  await explainRsyncErrors(files.peer.name, tree, sent).finally(tunnel.close);
}

/** A program that waits for its list of paths, and the stream that it uses. */
export type Held<Program> = Program & {
  /** Call it after the resume: it takes time on both hosts. */
  close(): Promise<void>;
};

/** Starts rsync for a tree before its paths are known. */
export async function holdOne(files: FileTransfer, index: number, signal?: AbortSignal): Promise<Held<HeldTree>> {
  const { tree, tunnel } = await openTree(files, index, { signal });
  const held = holdTree(tree.path, tunnel.port, { signal, holes: files.holes?.[index] });
  return {
    send: (paths) => explainRsyncErrors(files.peer.name, tree, held.send(paths)),
    ...closing(held, tunnel),
  };
}

/** Starts godwit-blocks for a tree before its paths are known. */
export async function holdBlocksOf(files: FileTransfer, index: number, limits: Limits = {}): Promise<Held<HeldBlocks>> {
  const { tree, tunnel } = await openTree(files, index, limits, migrationProtocol.blocks);
  const held = holdBlocks(tree.path, tunnel.port, limits.signal, files.program);
  return { send: held.send, ...closing(held, tunnel) };
}

function closing({ drop }: { drop(): void }, tunnel: TunnelPort) {
  return {
    drop,
    async close() {
      drop();
      await tunnel.close();
    },
  };
}

/** What a round must look at: all files, as long as no round got all of them. */
export async function changesOf(
  { firstRound, lastRound }: Pick<FileTransfer, "firstRound" | "lastRound">,
  tree: FileTree,
): Promise<TreeChanges> {
  const since = lastRound ?? firstRound;
  if (!since) return everything;
  const changes = await changesSince(tree, since);
  return lastRound ? changes : { ...changes, compare: "all" };
}

/** A bind mount of something below another one goes with that: sent by itself, it would change the folder that it lies in. */
export function isWithin({ kind, path }: FileTree, trees: FileTree[]): boolean {
  return kind === "bind" && trees.some((other) => other.kind === "bind" && path.startsWith(`${other.path}/`));
}

async function openTree(
  { peer, migration, counter, trees }: FileTransfer,
  index: number,
  limits: Limits,
  stream: PeerStream = migrationProtocol.tree,
): Promise<{ tree: FileTree; tunnel: TunnelPort }> {
  const tree = trees[index];
  if (!tree) throw new Error(`There is no tree ${index}.`);
  return { tree, tunnel: await tunnelPort(peer, stream, { migration, index }, { counter, ...limits }) };
}

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
