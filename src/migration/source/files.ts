import { type LogFile, logFiles, readLog } from "../../host/container/logs.ts";
import { sendTree } from "../../host/container/tree-sync.ts";
import type { FileTree } from "../../host/container/trees.ts";
import type { ContainerInspect } from "../../host/docker/inspect.ts";
import type { Peer } from "../../transport/peer.ts";
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
export async function sendTrees(sync: FileSync, signal?: AbortSignal): Promise<void> {
  await Promise.all(sync.trees.map((_, index) => sendOne(sync, index, { signal })));
}

/** Sends, whatever their times say, the files that a process writes through a mapping; by tree. */
export async function sendMappedFiles(sync: FileSync, files: string[][]): Promise<void> {
  await Promise.all(files.map((always, index) => (always.length > 0 ? sendOne(sync, index, { always }) : undefined)));
}

async function sendOne(
  sync: FileSync,
  index: number,
  options: { always?: string[]; signal?: AbortSignal | undefined },
): Promise<void> {
  const tree = sync.trees[index];
  if (!tree) return;
  const tunnel = await tunnelPort(sync.peer, peerPaths.tree(sync.migration, index), sync.counter);
  try {
    await sendTree(tree.path, tunnel.port, options);
  } finally {
    await tunnel.close();
  }
}

/** How far each file of the log has been sent, by suffix. */
export type LogMarks = Map<string, number>;

/** Sends what the container logged since `marks`, and moves them. A file that was rotated away meanwhile is sent whole. */
export async function sendLogs(
  { migration, peer, counter }: FileSync,
  container: ContainerInspect,
  dockerRoot: string,
  marks: LogMarks,
): Promise<void> {
  const files = await logFiles(container, dockerRoot);
  const rotated = files.some((file) => file.bytes < (marks.get(file.suffix) ?? 0));
  for (const file of files) {
    const from = rotated ? 0 : (marks.get(file.suffix) ?? 0);
    if (file.bytes === from && from > 0) continue;
    await sendLog(peer, migration, file, from);
    counter.sent += file.bytes - from;
    marks.set(file.suffix, file.bytes);
  }
}

async function sendLog(peer: Peer, migration: string, file: LogFile, from: number): Promise<void> {
  if (file.bytes === 0) return;
  const query = new URLSearchParams({ suffix: file.suffix, offset: String(from) });
  await peer.upload(`${peerPaths.log(migration)}?${query}`, readLog(file, from));
}
