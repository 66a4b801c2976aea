import { randomUUID } from "node:crypto";
import { lstat, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Duplex } from "node:stream";
import type { CheckpointRecord } from "../../contract/checkpoint.ts";
import { GodwitError } from "../../contract/errors.ts";
import { sendTree, serveTree } from "../../host/files/tree-sync.ts";
import { hasLargeHoles } from "../../host/files/trees.ts";
import { joinStreams } from "../../transport/streams/streams.ts";
import { type CheckpointFolder, type CheckpointStore, readRecordOf } from "./store.ts";

/*
 * rsync sends a checkpoint to another host, as it sends the files of a move. (tar leaves out sockets, and turns several names of a
 * device or a fifo into several devices or fifos.)
 */

/** Sends a checkpoint's folder to the `unpackCheckpoint` behind a port of 127.0.0.1. @throws command-failed */
export async function packCheckpoint({ path }: CheckpointFolder, port: number): Promise<void> {
  await sendTree({ path }, port, { without: ["work"], holes: await hasLargeHoles(path) });
}

/**
 * Receives a checkpoint from another host into the store and calls `use` with it. The checkpoint stays if `use` says `keep`;
 * otherwise it is removed.
 * @throws invalid-checkpoint
 */
export async function unpackCheckpoint<T>(
  store: CheckpointStore,
  container: string,
  name: string,
  stream: Duplex,
  use: (folder: CheckpointFolder, record: CheckpointRecord) => Promise<{ keep: boolean; value: T }>,
): Promise<T> {
  try {
    const folder = await store.begin(container, name);
    try {
      await receive(folder.path, stream);
      const record = await readRecordOf(folder);
      const { keep, value } = await use(folder, record);
      if (keep) await store.commitSealed(folder, { ...record, container, name });
      return value;
    } finally {
      await store.discard(folder);
    }
  } finally {
    stream.destroy();
  }
}

/** `serveTree` guarantees that nothing is written outside of `path`. */
async function receive(path: string, stream: Duplex): Promise<void> {
  const served = await serveTree(path, join(tmpdir(), `godwit-checkpoint-${randomUUID()}.conf`));
  // A broken connection ends the receiving rsync, and `ended` then fails.
  joinStreams(stream, served.stream).catch(() => {});
  await served.ended;
  await refuseOwnLinks(path);
}

/** Open tunnels of arriving checkpoints. The request of a transfer takes its tunnel. */
export class ArrivingStreams {
  readonly #waiting = new Map<string, { stream: Duplex; forget: () => void }>();

  keep(transfer: string, stream: Duplex): void {
    const forget = () => this.#waiting.delete(transfer);
    this.#waiting.set(transfer, { stream, forget });
    stream.once("close", forget);
  }

  /** @throws usage */
  take(transfer: string): Duplex {
    const found = this.#waiting.get(transfer);
    if (!found) throw new GodwitError("usage", `No tunnel is open for the transfer '${transfer}'.`);
    found.stream.off("close", found.forget);
    found.forget();
    return found.stream;
  }
}

/** The container's own files may be links. All other files must lie in the checkpoint's folder, so links are refused there. */
async function refuseOwnLinks(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const { name } = entry;
    if (entry.isDirectory() && (name === "images" || name === "trees")) await refuseStrangers(join(path, name));
    else if (!(await isPlainFile(join(path, name)))) throw refused(`'${printed(name)}' is not a file of a checkpoint`);
  }
}

async function refuseStrangers(folder: string): Promise<void> {
  const trees = basename(folder) === "trees";
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const fits = trees ? entry.isDirectory() && /^\d+$/.test(entry.name) : await isPlainFile(join(folder, entry.name));
    if (!fits) throw refused(`'${basename(folder)}/${printed(entry.name)}' is not a file of a checkpoint`);
  }
}

/** A file with one name only: its other name could be a file of the container, which changes. */
async function isPlainFile(path: string): Promise<boolean> {
  const found = await lstat(path);
  return found.isFile() && found.nlink === 1;
}

/** Replaces control characters: an attacker can choose the name, and a terminal would act on them. */
const printed = (name: string) => name.slice(0, 160).replace(/[^\x20-\x7e]/g, "?");

const refused = (why: string) =>
  new GodwitError("invalid-checkpoint", `The checkpoint that arrived is refused: ${printed(why)}.`, {
    hint: "Nothing of it was kept. Create the checkpoint again on the host that it comes from.",
  });
