import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { GodwitError } from "../contract/errors.ts";
import { type RunOptions, run } from "../host/process.ts";

/** File of a checkpoint that names every other one. */
const manifestFile = "manifest.json";
const recordFile = "record.json";
/** CRIU's logs and sockets: no part of a checkpoint. */
const workFolder = "work";

/** What is known of one path of a checkpoint. Paths and link targets are kept as latin1: a character a byte. */
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
});
type Entry = z.infer<typeof entry>;

export const manifest = z.object({ hash: z.literal("blake2b-256"), entries: z.record(z.string(), entry) });
export type Manifest = z.infer<typeof manifest>;

/**
 * Notes every file of a checkpoint's folder with its hash. b2sum reads about 0.8 GiB a second here, on one core and beside the
 * agent, while the container runs.
 */
export async function seal(folder: string): Promise<void> {
  await writeManifest(folder, { hash: "blake2b-256", entries: await entriesOf(folder) });
}

/** Notes a new `record.json` in the manifest of a folder that was found whole. */
export async function sealRecord(folder: string): Promise<void> {
  const { entries, hash } = await readManifest(folder);
  const [record] = Object.values(await entriesOf(folder, [`./${recordFile}`]));
  if (record) await writeManifest(folder, { hash, entries: { ...entries, [recordFile]: record } });
}

/**
 * Compares a checkpoint's folder with its manifest.
 * @param what names the checkpoint in the error, such as "Checkpoint 'cp' of 'web'"
 * @throws invalid-checkpoint that names a file that is missing, was added, or is not as it was written
 */
export async function verifySeal(folder: string, what: string, signal?: AbortSignal): Promise<void> {
  const sealed = await readManifest(folder).catch((cause) => {
    throw damaged(what, "its manifest is missing or cannot be read", cause);
  });
  const difference = firstDifference(sealed.entries, await entriesOf(folder, ["."], signal));
  if (difference) throw damaged(what, difference);
}

/** What differs first, in words that follow "is damaged:"; undefined where nothing does. */
export function firstDifference(sealed: Record<string, Entry>, found: Record<string, Entry>): string | undefined {
  for (const [path, was] of Object.entries(sealed)) {
    const is = found[path];
    if (!is) return `${shown(path)} is missing`;
    if (was.size !== undefined && is.size !== was.size)
      return `${shown(path)} has ${is.size ?? 0} bytes, and had ${was.size} when it was written`;
    if (JSON.stringify(entry.parse(was)) !== JSON.stringify(entry.parse(is)))
      return `${shown(path)} is not as it was written`;
  }
  const added = Object.keys(found).find((path) => !Object.hasOwn(sealed, path));
  return added === undefined ? undefined : `${shown(added)} was added`;
}

const damaged = (what: string, why: string, cause?: unknown) =>
  new GodwitError("invalid-checkpoint", `${what} is damaged: ${why}.`, {
    hint: "Use another checkpoint, and remove this one: godwit checkpoint ls, godwit checkpoint rm",
    cause,
  });

/** A path for people: UTF-8 where it is, control characters escaped. */
const shown = (path: string) => JSON.stringify(Buffer.from(path, "latin1").toString()).slice(1, -1);

const readManifest = async (folder: string): Promise<Manifest> =>
  manifest.parse(JSON.parse(await readFile(join(folder, manifestFile), "utf8")));

const writeManifest = (folder: string, content: Manifest): Promise<void> =>
  writeFile(join(folder, manifestFile), JSON.stringify(content), { mode: 0o600 });

async function entriesOf(folder: string, below = ["."], signal?: AbortSignal): Promise<Record<string, Entry>> {
  const options: RunOptions = { cwd: folder, encoding: "latin1", signal };
  const skipped = [manifestFile, workFolder].flatMap((name) => ["-path", `./${name}`, "-prune", "-o"]);
  const format = ["%y", "%m", "%U:%G", "%s", "%l", "%p"].join("\\0").concat("\\0");
  const fields = (await run("find", [...below, ...skipped, "-printf", format], options)).split("\0");
  const found: [string, Entry][] = [];
  for (let at = 0; at + 6 <= fields.length; at += 6) {
    const [type = "", mode = "", owner = "", size, target, path = ""] = fields.slice(at, at + 6);
    const more = type === "f" ? { size: Number(size) } : type === "l" ? { target } : {};
    if (path !== ".") found.push([path.slice("./".length), { type, mode, owner, ...more }]);
  }
  const entries = Object.fromEntries(found.sort(([one], [other]) => (one < other ? -1 : 1)));
  const files = Object.keys(entries).filter((path) => entries[path]?.type === "f");
  for (const [path, hash] of await hashesOf(files, options)) entries[path] = { ...(entries[path] as Entry), hash };
  return entries;
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
