import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, link, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { initsFolder } from "../paths.ts";
import { mountsOf } from "../proc/mountinfo.ts";

/** Where a container that runs with `--init` has Docker's init. */
export const initPlace = "/sbin/docker-init";

/**
 * The path, on this host, of the Docker init that a running container uses; undefined where it uses none.
 * @param pid the container's first process
 */
export async function dockerInitOf(pid: number): Promise<string | undefined> {
  const mounts = await mountsOf(pid);
  return mounts.some(({ mountpoint }) => mountpoint === initPlace) ? `/proc/${pid}/root${initPlace}` : undefined;
}

/**
 * Stores the Docker init of another host. A restored container needs it: CRIU opens the program of each process at its old path, and
 * the inits of Docker's packages differ.
 * @returns the path of the stored program, which is named by its hash
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
    // A container may run the file that is already there, so that it must stay the same file.
    await link(arriving, path).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
    return path;
  } finally {
    await rm(arriving, { force: true });
  }
}
