import { GodwitError } from "../../contract/errors.ts";
import { type LogMark, readWholeLog } from "../../host/container/logs.ts";
import { sendTree } from "../../host/container/tree-sync.ts";
import type { FileTree } from "../../host/container/trees.ts";
import type { ContainerInspect } from "../../host/docker/inspect.ts";
import type { Peer } from "../../transport/peer.ts";
import type { RateLimit } from "../../transport/rate-limit.ts";
import type { ByteCounter } from "../../transport/streams.ts";
import { peerPaths } from "../peer-paths.ts";
import { tunnelPort } from "./wire.ts";

export interface FileSync {
  migration: string;
  peer: Peer;
  trees: FileTree[];
  counter: ByteCounter;
}

/** One round over all trees at once. Time and size tell what changed. */
export async function sendTrees(sync: FileSync, signal?: AbortSignal, rate?: RateLimit): Promise<void> {
  await Promise.all(sync.trees.map((_, index) => sendOne(sync, index, { signal, rate })));
}

/** Sends, whatever their times say, the files that a process writes through a mapping; by tree. */
export async function sendMappedFiles(sync: FileSync, files: string[][]): Promise<void> {
  await Promise.all(files.map((always, index) => (always.length > 0 ? sendOne(sync, index, { always }) : undefined)));
}

async function sendOne(
  sync: FileSync,
  index: number,
  options: { always?: string[]; signal?: AbortSignal | undefined; rate?: RateLimit | undefined },
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
    await sendTree(tree.path, tunnel.port, options);
  } catch (error) {
    throw isFull(error) ? noSpace(sync.peer.name, tree, error) : error;
  } finally {
    await tunnel.close();
  }
}

/** Whether rsync on the other side said so. */
const isFull = (error: unknown): error is GodwitError =>
  error instanceof GodwitError &&
  error.details.some((line) => /No space left on device|Disk quota exceeded/.test(line));

function noSpace(host: string, { kind, name }: FileTree, { details }: GodwitError): GodwitError {
  const what = kind === "volume" ? `the volume '${name}'` : `the files of '${name}'`;
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
  return readWholeLog(container, dockerRoot, async ({ suffix, bytes }, stream) => {
    await peer.upload(`${peerPaths.log(migration)}?${new URLSearchParams({ suffix })}`, stream, { signal });
    counter.sent += bytes;
  });
}
