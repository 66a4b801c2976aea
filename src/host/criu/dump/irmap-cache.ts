import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import type { RuncContainer } from "../../runtime/runc.ts";
import { imageOf } from "../images/images.ts";
import { irmap_cache_entrySchema } from "../proto/generated/fh_pb.ts";
import { type WatchedPath, watchedInRoot } from "./watches.ts";

/** The magic of CRIU's service images, and of this image among them. */
const magic = [0x55105940, 0x57004059] as const;

/**
 * Writes the paths of the files that a container watches into `work`, the work folder of CRIU. Without that list CRIU looks for them
 * under the freeze, only in /etc, /var/log and a few more folders, and the dump fails if they lie elsewhere. CRIU looks again for a
 * file that has moved meanwhile.
 */
export async function writeIrmapCache(container: RuncContainer, work: string): Promise<void> {
  const watched = await watchedInRoot(container);
  if (watched.length > 0) await writeFile(join(work, "irmap-cache"), irmapCache(watched), { mode: 0o600 });
}

/** The bytes of CRIU's image `irmap-cache`. */
export function irmapCache(watched: WatchedPath[]): Buffer {
  const messages = watched.map(({ device, inode, path }) =>
    create(irmap_cache_entrySchema, { dev: device, inode, path: Buffer.from(path, "latin1") }),
  );
  return imageOf(
    magic,
    messages.map((message) => toBinary(irmap_cache_entrySchema, message)),
  );
}
