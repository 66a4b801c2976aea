import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { GodwitError } from "../../contract/errors.ts";
import { readPlainFile } from "../../host/files/plain-file.ts";
import { type RunOptions, run } from "../../host/proc/process.ts";

/** The file of a checkpoint that names every other file. */
const manifestFile = "manifest.json";
/** Bytes; enough for two million files. */
const manifestLimit = 2 ** 29 - 1;
const recordFile = "record.json";
/** CRIU's logs and sockets. They are not part of a checkpoint. */
const workFolder = "work";

/** One path of a checkpoint. Paths and link targets are latin1, one character for each byte. */
const entry = z.object({
  /** Letter of find(1)'s `%y`: f, d, l, p, s, c, b. */
  type: z.string(),
  /** Permissions in octal. */
  mode: z.string(),
  /** `UID:GID`. */
  owner: z.string(),
  /** Bytes; only of a regular file. */
  size: z.number().optional(),
  /** BLAKE2b with 256 bits, in hex; only of a regular file. */
  hash: z.string().optional(),
  /** Only of a symbolic link. */
  target: z.string().optional(),
  /** When its contents last changed, in seconds with nine decimals; only of a container's own files. */
  time: z.string().optional(),
  /** First path of the same inode; only of a file with several names. */
  sameAs: z.string().optional(),
  /** `MAJOR:MINOR` in hex; only of a device. */
  device: z.string().optional(),
});
type Entry = z.infer<typeof entry>;

export const manifest = z.object({ hash: z.literal("blake2b-256"), entries: z.record(z.string(), entry) });
export type Manifest = z.infer<typeof manifest>;

/**
 * Writes the manifest of a checkpoint's folder. b2sum reads about 0.8 GiB a second here, on one core, beside the agent, while the
 * container runs.
 */
export async function seal(folder: string): Promise<void> {
  await writeManifest(folder, { hash: "blake2b-256", entries: await entriesOf(folder) });
}

/** Updates the manifest for a new `record.json`. The folder must have passed `verifySeal`. */
export async function sealRecord(folder: string): Promise<void> {
  const { entries, hash } = await readManifest(folder);
  const [record] = Object.values(await entriesOf(folder, [`./${recordFile}`]));
  if (record) await writeManifest(folder, { hash, entries: { ...entries, [recordFile]: record } });
}

/**
 * Compares a checkpoint's folder with its manifest.
 * @param what names the checkpoint in the error, such as "Checkpoint 'cp' of 'web'"
 * @throws invalid-checkpoint. The message names a file that is missing, was added, or is not as it was written.
 */
export async function verifySeal(folder: string, what: string, signal?: AbortSignal): Promise<void> {
  const sealed = await readManifest(folder).catch((cause) => {
    throw damaged(what, "its manifest is missing or cannot be read", cause);
  });
  const difference = firstDifference(sealed.entries, await entriesOf(folder, ["."], signal));
  if (difference) throw damaged(what, difference);
}

/** The first difference, as words that follow "is damaged:"; undefined if there is none. */
export function firstDifference(sealed: Record<string, Entry>, found: Record<string, Entry>): string | undefined {
  for (const [path, was] of Object.entries(sealed)) {
    const is = found[path];
    if (!is) return `${shown(path)} is missing`;
    if (was.size !== undefined && is.size !== was.size)
      return `${shown(path)} has ${is.size ?? 0} bytes, and had ${was.size} when it was written`;
    const other = differing(was, is).find((key) => key !== "time");
    if (other) return `${shown(path)} is not as it was written (${words[other]})`;
  }
  const added = Object.keys(found).find((path) => !Object.hasOwn(sealed, path));
  if (added !== undefined) return `${shown(added)} was added`;
  // Last, because each difference above also changes the time of a folder.
  const dated = Object.entries(sealed).find(([path, was]) => differing(was, found[path] ?? was).length > 0);
  return dated && `${shown(dated[0])} is not as it was written (${words.time})`;
}

/** Compares the fields of the manifest only: older manifests have fewer. */
const differing = (was: Entry, is: Entry) =>
  (Object.keys(was) as (keyof Entry)[]).filter((key) => was[key] !== is[key]);

const words: Record<keyof Entry, string> = {
  ...{ type: "its type", mode: "its mode", owner: "its owner", size: "its size", hash: "its contents" },
  ...{ target: "where the link points to", time: "its time", sameAs: "its other names", device: "its device" },
};

const damaged = (what: string, why: string, cause?: unknown) =>
  new GodwitError("invalid-checkpoint", `${what} is damaged: ${why}.`, {
    hint: "Use another checkpoint and remove this one: godwit checkpoint ls, godwit checkpoint rm",
    cause,
  });

/** A path to print: as UTF-8 if it is UTF-8, with control characters escaped. */
const shown = (path: string) => JSON.stringify(Buffer.from(path, "latin1").toString()).slice(1, -1);

const readManifest = async (folder: string): Promise<Manifest> =>
  manifest.parse(JSON.parse(await readPlainFile(join(folder, manifestFile), manifestLimit)));

const writeManifest = (folder: string, content: Manifest): Promise<void> =>
  writeFile(join(folder, manifestFile), JSON.stringify(content), { mode: 0o600 });

/** What find(1) says about a path. */
interface Listed {
  path: string;
  entry: Entry;
  /** Only of a file with several names; all its names have the same value. */
  inode: string | undefined;
}

async function entriesOf(folder: string, below = ["."], signal?: AbortSignal): Promise<Record<string, Entry>> {
  const options: RunOptions = { cwd: folder, encoding: "latin1", signal };
  const listed = await list(below, options);
  const entries: Record<string, Entry> = Object.fromEntries(listed.map(({ path, entry }) => [path, entry]));
  const firsts = new Map<string, string>();
  for (const { path, entry, inode } of listed) {
    if (inode === undefined) continue;
    entry.sameAs = firsts.get(inode) ?? path;
    firsts.set(inode, entry.sameAs);
  }
  const of = (types: string) => listed.filter(({ entry }) => types.includes(entry.type)).map(({ path }) => path);
  for (const [path, hash] of await hashesOf(of("f"), options)) Object.assign(entries[path] ?? {}, { hash });
  for (const [path, device] of await devicesOf(of("bc"), options)) Object.assign(entries[path] ?? {}, { device });
  return entries;
}

/** Sorted by path. */
async function list(below: string[], options: RunOptions): Promise<Listed[]> {
  const skipped = [manifestFile, workFolder].flatMap((name) => ["-path", `./${name}`, "-prune", "-o"]);
  const format = ["%y", "%m", "%U:%G", "%T@", "%n", "%D:%i", "%s", "%l", "%p"].join("\\0").concat("\\0");
  const fields = (await run("find", [...below, ...skipped, "-printf", format], options)).split("\0");
  const found: Listed[] = [];
  for (let at = 0; at + 9 <= fields.length; at += 9) {
    const [type = "", mode = "", owner = "", time = "", names, inode = "", size, target, path = ""] = fields.slice(
      at,
      at + 9,
    );
    if (path === ".") continue;
    const entry: Entry = { type, mode, owner };
    if (type === "f") entry.size = Number(size);
    if (type === "l") entry.target = target;
    // Only the container's own files: times of images and records mean nothing.
    if (path.startsWith("./trees/")) entry.time = nanoseconds(time);
    found.push({ path: path.slice("./".length), entry, inode: type !== "d" && Number(names) > 1 ? inode : undefined });
  }
  return found.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** find(1) prints ten decimals; the last one is always 0. */
const nanoseconds = (time: string) => time.slice(0, time.indexOf(".") + 10);

/** By path. */
async function devicesOf(paths: string[], options: RunOptions): Promise<[string, string][]> {
  const input = Buffer.from(paths.map((path) => `./${path}\0`).join(""), "latin1");
  const output = await run("xargs", ["-0", "-r", "stat", "--printf=%t:%T\\0", "--"], { ...options, input });
  return output
    .split("\0")
    .filter(Boolean)
    .map((device, i) => [paths[i] ?? "", device]);
}

/** By path. */
async function hashesOf(paths: string[], options: RunOptions): Promise<[string, string][]> {
  const input = Buffer.from(paths.map((path) => `./${path}\0`).join(""), "latin1");
  const output = await run("xargs", ["-0", "-r", "b2sum", "--zero", "--length=256", "--"], { ...options, input });
  return output
    .split("\0")
    .filter(Boolean)
    .map((line) => [line.slice(line.indexOf("  ./") + "  ./".length), line.slice(0, line.indexOf(" "))]);
}
