import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { RuncContainer } from "../../runtime/runc.ts";
import { imageOf } from "../images/images.ts";
import { type WatchedPath, watchedInRoot } from "./watches.ts";

/** Of every image of CRIU's that serves no restore, and of this one. */
const magic = [0x55105940, 0x57004059] as const;
/** Field numbers of CRIU's fh.proto. */
const fields = { device: 1, inode: 2, path: 3 } as const;

/**
 * Tells the CRIU that will look at a container, in its work folder, at which paths lies what the container watches. Of itself it
 * looks for them in /etc, /var/log and a few more folders, under the freeze, and gives up the dump where they are elsewhere.
 * What has been moved meanwhile it looks for again.
 */
export async function writeIrmapCache(container: RuncContainer, work: string): Promise<void> {
  const watched = await watchedInRoot(container);
  if (watched.length > 0) await writeFile(join(work, "irmap-cache"), irmapCache(watched), { mode: 0o600 });
}

export function irmapCache(watched: WatchedPath[]): Buffer {
  const messages = watched.map(({ device, inode, path }) => {
    const writer = new BinaryWriter();
    writer.uint32(fields.device << 3).uint32(device);
    writer.uint32(fields.inode << 3).uint64(inode);
    return writer
      .uint32((fields.path << 3) | 2)
      .bytes(Buffer.from(path, "latin1"))
      .finish();
  });
  return imageOf(magic, messages);
}
