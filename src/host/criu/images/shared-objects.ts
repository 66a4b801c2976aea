import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { ifGone } from "../../proc/gone.ts";
import { readPagemap } from "../pages/pagemap-read.ts";

/** Among the images of a dump: the shared objects whose contents godwit sends, `DEVICE:INODE`, a line each. */
export const sharedObjectsFile = "shared-objects";
/** In the folder of the images of a restore: where CRIU gets these objects. runtime/criu/objects.c has the same names. */
export const sharedSocketFile = "shared.socket";

/**
 * Gives the images of shared objects whose contents CRIU has left out a name that only godwit's library finds: it brings the contents
 * from elsewhere. Without it the restore fails, and nobody reads zeros.
 */
export async function renameSharedImages(images: string): Promise<void> {
  for (const inode of await listedObjects(images)) {
    const path = join(images, `pagemap-shmem-${inode}.img`);
    const image = await readFile(path).catch(ifGone(undefined));
    // With contents, the dump is whole without godwit.
    if (!image || readPagemap(image).entries.length > 0) continue;
    await rename(path, join(images, `shared-${inode}.img`));
  }
}

/** The numbers of their inodes. */
export async function listedObjects(images: string): Promise<number[]> {
  const list = await readFile(join(images, sharedObjectsFile), "utf8").catch(ifGone(""));
  return list
    .split("\n")
    .flatMap((line) => /^\d+:(\d+)$/.exec(line)?.[1] ?? [])
    .map(Number);
}
