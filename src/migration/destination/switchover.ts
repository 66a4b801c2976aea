import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import type { BatonOffer, FilesComplete, SmallImage } from "../../contract/peer/messages.ts";
import { cgroupFolder } from "../../host/cgroup/hierarchy.ts";
import { lazyPagesOf } from "../../host/criu/restore/lazy-pages.ts";
import { pendingFolder } from "../../host/paths.ts";
import { isThere } from "../../host/proc/gone.ts";
import { makeHuge } from "../../host/proc/huge-pages.ts";
import { prepareRootfs, replayLogTail } from "../../host/restore/arm.ts";
import { workFolderOf } from "../../host/restore/image-space.ts";
import { pendingFiles } from "../../host/restore/pending.ts";
import { restoreArmed } from "../../host/restore/run.ts";
import { receiveFiles } from "../../transport/streams/files.ts";
import type { DestinationWorld, RestoredContainer } from "./effects/world.ts";
import type { IncomingMigration } from "./incoming.ts";

/** Takes CRIU's large images. */
export const receiveCriuImages = ({ space }: IncomingMigration, stream: Readable): Promise<void> =>
  receiveFiles(stream, space.images);

/** All files have arrived: mounts the root, and has runc prepare it, beside the dump. */
export async function prepareRoot(m: IncomingMigration, { descriptors }: FilesComplete): Promise<void> {
  await writeImages(m, [descriptors]);
  await prepareRootfs(m.armed);
}

/** What the baton does when it is taken, and after a restart of the agent. */
export const restoring = (m: IncomingMigration): Pick<DestinationWorld, "restore" | "wasRestored" | "drainAgain"> => ({
  restore: (offer) => restore(m, offer),

  async wasRestored() {
    const { created } = m.record;
    // The hook writes it, also where the container has ended since.
    return created !== null && isThere(join(pendingFolder, created, pendingFiles.consumed));
  },

  drainAgain() {
    const work = workFolderOf(m.migration);
    const { drained, stop } = lazyPagesOf(work);
    m.abandon = stop;
    m.memory.resume(work);
    return { drained };
  },
});

/** Restores the armed container from all that has arrived. Resolves when it runs and is verified. */
async function restore(m: IncomingMigration, offer: BatonOffer): Promise<RestoredContainer> {
  const step = <T>(name: string, work: () => Promise<T>) => m.step(name, true, work);
  const { drained, abandon, unrestored } = await step("restore", async () => {
    await writeImages(m, offer.images);
    await replayLogTail(m.armed, offer.logTail);
    const memory = await step("write images of memory", () => m.memory.restoreFrom(m.space));
    return restoreArmed(m.armed, { ...memory, step }).finally(() => m.memory.restored());
  });
  m.abandon = abandon;
  m.unrestored = unrestored;
  return { drained: m.step("drain", false, () => drained).then(() => void restoreHugePages(m)) };
}

/** Beside what follows: nothing waits for it, and the container lacks nothing without it. */
async function restoreHugePages({ armed, deps, migration, record }: IncomingMigration): Promise<void> {
  try {
    const made = await makeHuge(cgroupFolder(armed.cgroupPath), record.request.container.hugePages);
    if (made > 0) deps.log.info({ migration, made }, "huge pages were put together again");
  } catch (error) {
    deps.log.warn({ err: error, migration }, "huge pages stay small");
  }
}

/** The source has lost the memory that it served: what waits for a page would wait for ever. */
export function onMemoryLost(m: IncomingMigration): void {
  if (m.abandon) m.abandon();
  else if (m.hasArmed) m.armed.lazyPages.stop();
}

async function writeImages({ space }: IncomingMigration, images: SmallImage[]): Promise<void> {
  const write = ({ name, data }: SmallImage) =>
    writeFile(join(space.images, basename(name)), Buffer.from(data, "base64"), { mode: 0o600 });
  await Promise.all(images.map(write));
}
