import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CheckpointRecord } from "../contract/checkpoint.ts";
import { commandFailed } from "../host/process.ts";
import { type CheckpointFolder, type CheckpointStore, readRecordOf } from "./store.ts";

/** tar keeps what the store keeps: attributes, ACLs, holes, owners by number. */
const exact = ["--xattrs", "--xattrs-include=*", "--acls", "--sparse", "--numeric-owner"];

/** A checkpoint's folder as a stream. An error of tar is an error of the stream. */
export function packCheckpoint(folder: CheckpointFolder): Readable {
  const child = spawn("tar", ["-C", folder.path, ...exact, "-c", "--exclude=./work", "."], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.once("error", (error) => child.stdout.destroy(error));
  child.once("exit", (code) => {
    if (code !== 0) child.stdout.destroy(commandFailed("tar", code ?? "killed", ""));
  });
  return child.stdout;
}

/**
 * Unpacks a checkpoint of another host into the store, for `use`. It becomes one of this host's checkpoints if `use` says so,
 * and is gone otherwise.
 * @throws invalid-checkpoint
 */
export async function unpackCheckpoint<T>(
  store: CheckpointStore,
  container: string,
  name: string,
  stream: Readable,
  use: (folder: CheckpointFolder, record: CheckpointRecord) => Promise<{ keep: boolean; value: T }>,
): Promise<T> {
  const folder = await store.begin(container, name);
  try {
    await unpack(folder.path, stream);
    const record = await readRecordOf(folder);
    const { keep, value } = await use(folder, record);
    if (keep) await store.commitSealed(folder, { ...record, container, name });
    return value;
  } finally {
    await store.discard(folder);
  }
}

async function unpack(path: string, stream: Readable): Promise<void> {
  const child = spawn("tar", ["-C", path, ...exact, "-x", "--no-overwrite-dir", "-p"], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", reject);
  });
  await pipeline(stream, child.stdin).catch(() => {});
  const code = await ended;
  if (code !== 0) throw commandFailed("tar", code ?? "killed", complaint);
}
