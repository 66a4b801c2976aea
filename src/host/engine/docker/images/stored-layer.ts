import { createHash } from "node:crypto";
import { closeSync, constants, createReadStream, openSync, readSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { GodwitError } from "../../../../contract/errors.ts";

/** A layer of an image, as Docker's overlay2 driver keeps it: its files, and beside them all else that its tar archive had in it. */
export interface StoredLayer {
  /** SHA-256 of its tar archive, as `sha256:...`. */
  diffId: string;
  /** Size of its tar archive. */
  bytes: number;
  /** The tar archive. @throws docker-failed at its end where it is not the one that the digest names */
  content(): AsyncGenerator<Buffer>;
}

/** Docker names a layer with all that are below it. */
export function chainIds(diffIds: string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below ? `sha256:${createHash("sha256").update(`${below} ${diffId}`).digest("hex")}` : diffId);
  }
  return chain;
}

/** `dockerRoot` is Docker's own folder. @throws where Docker does not keep the layer in this way */
export async function storedLayer(dockerRoot: string, chainId: string): Promise<StoredLayer> {
  const record = join(dockerRoot, "image/overlay2/layerdb", chainId.replace(":", "/"));
  const [diffId, cacheId] = await Promise.all([read(join(record, "diff")), read(join(record, "cache-id"))]);
  const files = await realpath(join(dockerRoot, "overlay2", basename(cacheId), "diff"));
  const parts = () => readParts(join(record, "tar-split.json.gz"));
  let bytes = 0;
  for await (const part of parts()) bytes += "file" in part ? part.size : part.raw.length;
  return { diffId, bytes, content: () => gathered(checked(diffId, chunks(files, parts()))) };
}

const read = async (path: string) => (await readFile(path, "utf8")).trim();

/** Bytes of the archive that are no file's content, or a file whose content comes next. */
type Part = { raw: Buffer } | { file: Buffer; size: number };

interface Line {
  type: number;
  payload?: string | null;
  name?: string;
  /** Base64, where the name is not UTF-8. */
  name_raw?: string;
  size?: number;
}

/** The format of github.com/vbatts/tar-split: a JSON document a line. */
async function* readParts(path: string): AsyncGenerator<Part> {
  const input = createReadStream(path).pipe(createGunzip());
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = JSON.parse(text) as Line;
    if (line.type === 2) yield { raw: Buffer.from(line.payload ?? "", "base64") };
    else if (line.size)
      yield {
        file: line.name_raw ? Buffer.from(line.name_raw, "base64") : Buffer.from(line.name ?? ""),
        size: line.size,
      };
  }
}

const pieceBytes = 256 * 1024;

async function* chunks(folder: string, parts: AsyncIterable<Part>): AsyncGenerator<Buffer> {
  let checkedFolder = "";
  for await (const part of parts) {
    if ("raw" in part) {
      yield part.raw;
      continue;
    }
    // A character a byte, so that every name is the path that it was.
    const path = join(folder, part.file.toString("latin1"));
    const parent = dirname(path);
    // What an image has in its layers must not name a file of this host by a symbolic link.
    if (parent !== checkedFolder && !(await realpath(bytesOf(parent), "buffer")).equals(bytesOf(parent)))
      throw altered(`'${part.file}' is not in its folder`);
    checkedFolder = parent;
    yield* fileContent(bytesOf(path), part);
  }
}

const bytesOf = (path: string) => Buffer.from(path, "latin1");

/** Read at once: to hand a piece to a thread and back takes longer than to read it. */
function* fileContent(path: Buffer, { file, size }: { file: Buffer; size: number }): Generator<Buffer> {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (let left = size; left > 0; ) {
      const piece = Buffer.allocUnsafe(Math.min(left, pieceBytes));
      const got = readSync(descriptor, piece);
      if (got === 0) throw altered(`'${file}' is shorter than it was`);
      left -= got;
      yield piece.subarray(0, got);
    }
  } finally {
    closeSync(descriptor);
  }
}

async function* checked(diffId: string, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  if (`sha256:${hash.digest("hex")}` !== diffId) throw altered("its files have changed");
}

/** Headers and small files make small chunks; each would be a write of its own on the way. */
async function* gathered(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < pieceBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

const altered = (how: string) =>
  new GodwitError("docker-failed", `A layer of the image is not as Docker recorded it: ${how}.`);
