import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import type { RuncContainer } from "../../runtime/runc.ts";
import { imageOf } from "../images/images.ts";
import { irmap_cache_entrySchema } from "../proto/generated/fh_pb.ts";
import { type WatchedPath, watchedInRoot } from "./watches.ts";

/** Of every image of CRIU's that serves no restore, and of this one. */
const magic = [0x55105940, 0x57004059] as const;

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
  const messages = watched.map(({ device, inode, path }) =>
    create(irmap_cache_entrySchema, { dev: device, inode, path: Buffer.from(path, "latin1") }),
  );
  return imageOf(
    magic,
    messages.map((message) => toBinary(irmap_cache_entrySchema, message)),
  );
}
