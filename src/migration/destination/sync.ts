import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { GodwitError } from "../../contract/errors.ts";
import { writeLog } from "../../host/container/logs/logs.ts";
import { serveBlocks } from "../../host/files/blocks.ts";
import { serveTree } from "../../host/files/tree-sync.ts";
import { joinStreams } from "../../transport/streams/streams.ts";
import type { IncomingMigration } from "./incoming.ts";

/** Of AES-128-GCM with SHA-256: as long as the hash. */
const keyBytes = 32;

/** Takes one tree of files, by its number in the request. */
export async function receiveTree(m: IncomingMigration, index: number, stream: Duplex): Promise<void> {
  const server = await serveTree(folderOf(m, index), join(m.space.work, `rsync-${index}-${Date.now()}.conf`));
  await joinStreams(stream, server.stream);
}

/** Takes blocks of large files of a tree. */
export async function receiveBlocks(m: IncomingMigration, index: number, stream: Duplex): Promise<void> {
  if (m.record.request.trees[index]?.file) throw new GodwitError("usage", `Tree ${index} is no folder.`);
  await joinStreams(stream, serveBlocks(folderOf(m, index)).stream);
}

function folderOf(m: IncomingMigration, index: number): string {
  const tree = m.trees.get(index);
  const path = tree && m.record.request.trees[index]?.file ? dirname(tree) : tree;
  if (!path) throw new GodwitError("usage", `This migration has no file tree ${index}.`);
  return path;
}

/** Gets ready to take memory in rounds, over a connection of its own. The source sees only that this breaks. */
export async function openMemory(m: IncomingMigration): Promise<{ ticket: string; key: string }> {
  const key = randomBytes(keyBytes).toString("hex");
  const { space } = m;
  const ticket = m.deps.tickets.issue((connection) => {
    if (m.record.state.at === "waiting") m.memory.takeRounds(connection, key, space, (error) => m.baton.note(error));
    else connection.destroy();
  });
  return { ticket, key };
}

/** Takes one file of the container's log. */
export async function receiveLog(m: IncomingMigration, suffix: string, stream: Readable): Promise<void> {
  if (!m.inspect) throw new GodwitError("usage", "The container of this migration is not created yet.");
  await writeLog(m.inspect, await m.deps.host.dockerRoot(), suffix, stream);
}
