import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ImageArchive, PackedImage } from "../../engine.ts";
import type { DockerInfo } from "../info.ts";
import { tagOf } from "./fetch-image.ts";
import { isContainerdStore } from "./image-layers.ts";
import { chainIds, type StoredLayer, storedLayer } from "./stored-layer.ts";

/**
 * Puts an archive together from what the reader lacks. `docker save` would write all of the image to a disk first.
 * @throws where Docker keeps images in another way
 */
export async function packImage(
  info: Pick<DockerInfo, "DriverStatus" | "DockerRootDir">,
  image: PackedImage,
): Promise<ImageArchive> {
  const dockerRoot = info.DockerRootDir;
  if (isContainerdStore(info)) throw new Error("the containerd image store gives images as a whole");
  const config = await readFile(join(dockerRoot, "image/overlay2/imagedb/content", image.id.replace(":", "/")));
  const diffIds = (JSON.parse(config.toString()) as { rootfs: { diff_ids: string[] } }).rootfs.diff_ids;
  // A layer that an image has twice is one blob.
  const wanted = chainIds(diffIds).filter((_, i) => {
    const diffId = diffIds[i] ?? "";
    return !image.without.includes(diffId) && diffIds.indexOf(diffId) === i;
  });
  const layers = await Promise.all(wanted.map((chainId) => storedLayer(dockerRoot, chainId)));
  const manifest = [
    {
      Config: blob(image.id),
      RepoTags: repoTags(image),
      Layers: diffIds.map(blob),
    },
  ];
  const small: [string, Buffer][] = [
    ["manifest.json", Buffer.from(JSON.stringify(manifest))],
    [blob(image.id), config],
  ];
  const sizes = [...small.map(([, data]) => data.length), ...layers.map(({ bytes }) => bytes)];
  return {
    bytes: sizes.reduce((sum, size) => sum + block + padded(size), 2 * block),
    open: async () => Readable.from(archive(small, layers), { objectMode: false, highWaterMark: 2 ** 20 }),
  };
}

/** Docker takes only whole names, with their tag. */
function repoTags({ id, reference }: PackedImage): string[] | null {
  const name = reference === undefined || id.startsWith(`sha256:${reference}`) ? undefined : tagOf(reference);
  return name ? [`${name.repo}:${name.tag}`] : null;
}

const blob = (digest: string) => `blobs/${digest.replace(":", "/")}`;

const block = 512;
const padded = (bytes: number) => Math.ceil(bytes / block) * block;

async function* archive(small: [string, Buffer][], layers: StoredLayer[]): AsyncGenerator<Buffer> {
  for (const [name, data] of small) yield Buffer.concat([tarHeader(name, data.length), data, padding(data.length)]);
  for (const { diffId, bytes, content } of layers) {
    yield tarHeader(blob(diffId), bytes);
    yield* content();
    yield padding(bytes);
  }
  yield Buffer.alloc(2 * block);
}

const padding = (bytes: number) => Buffer.alloc(padded(bytes) - bytes);

/** Of a plain file (POSIX ustar). A size from 8 GiB on is written in binary, as GNU tar and Go do. */
function tarHeader(name: string, bytes: number): Buffer {
  const header = Buffer.alloc(block);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  if (bytes < 8 ** 11) header.write(`${bytes.toString(8).padStart(11, "0")}\0`, 124);
  else {
    header[124] = 0x80;
    header.writeUIntBE(bytes, 130, 6);
  }
  header.write("00000000000\0", 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
