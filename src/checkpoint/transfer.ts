import { spawn } from "node:child_process";
import { lstat, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CheckpointRecord } from "../contract/checkpoint.ts";
import { GodwitError } from "../contract/errors.ts";
import { commandFailed, lastLines } from "../host/process.ts";
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

/**
 * tar takes leading slashes off, refuses names with `..` in them, and makes links that lead outside only when all else is there,
 * so that it writes nothing outside of the folder.
 */
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
  const details = lastLines(complaint, 6);
  if (code !== 0) throw refused(`tar could not unpack it (${details[0] ?? code})`, details);
  await refuseOwnLinks(path);
}

/** Its files may be whatever the container's were; what is read and written beside them must lie in its folder. */
async function refuseOwnLinks(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const { name } = entry;
    if (entry.isDirectory() && (name === "images" || name === "trees")) await refuseStrangers(join(path, name));
    else if (!(await isPlainFile(join(path, name)))) throw refused(`'${printed(name)}' is no file of a checkpoint`);
  }
}

async function refuseStrangers(folder: string): Promise<void> {
  const trees = basename(folder) === "trees";
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const fits = trees ? entry.isDirectory() && /^\d+$/.test(entry.name) : await isPlainFile(join(folder, entry.name));
    if (!fits) throw refused(`'${basename(folder)}/${printed(entry.name)}' is no file of a checkpoint`);
  }
}

/** With one name: another one could be that of a file of the container, which changes. */
async function isPlainFile(path: string): Promise<boolean> {
  const found = await lstat(path);
  return found.isFile() && found.nlink === 1;
}

/** A name that an attacker chose may hold what a terminal acts on. */
const printed = (name: string) => name.slice(0, 160).replace(/[^\x20-\x7e]/g, "?");

const refused = (why: string, details: string[] = []) =>
  new GodwitError("invalid-checkpoint", `The checkpoint that arrived is refused: ${printed(why)}.`, {
    hint: "Nothing of it was kept; make the checkpoint anew on the host that it comes from.",
    details,
  });
