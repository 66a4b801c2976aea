import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, link, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { initsFolder } from "../paths.ts";
import { mountsOf } from "../proc/mountinfo.ts";

/** Where Docker binds its own init into a container that is run with `--init`. */
export const initPlace = "/sbin/docker-init";

/**
 * A path of this host to the init of Docker's that a running container has, by the pid of its first process; undefined where it has
 * none.
 */
export async function dockerInitOf(pid: number): Promise<string | undefined> {
  const mounts = await mountsOf(pid);
  return mounts.some(({ mountpoint }) => mountpoint === initPlace) ? `/proc/${pid}/root${initPlace}` : undefined;
}

/**
 * Keeps an init that is not this host's own for a container that goes on with it: CRIU finds the program that a process runs where
 * it was, and Docker's packages differ. @returns its path
 */
export async function keepInit(bytes: Readable): Promise<string> {
  await mkdir(initsFolder, { recursive: true, mode: 0o755 });
  const arriving = join(initsFolder, `arriving-${randomUUID()}`);
  const hash = createHash("sha256");
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(bytes, hashed, createWriteStream(arriving));
    await chmod(arriving, 0o755);
    const path = join(initsFolder, hash.digest("hex"));
    // One that is there may be in use, and must stay the same file.
    await link(arriving, path).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
    return path;
  } finally {
    await rm(arriving, { force: true });
  }
}
