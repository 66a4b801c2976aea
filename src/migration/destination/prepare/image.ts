import type { Readable } from "node:stream";
import type { ImageAnswer, ImageQuestion } from "../../../contract/peer/messages.ts";
import type { IncomingMigration } from "../incoming.ts";

/** Fetches the image from its registry if this host reaches that; otherwise says what of it the source can leave out. */
export async function bringImage(
  { deps, record }: IncomingMigration,
  { digests }: ImageQuestion,
): Promise<ImageAnswer> {
  const { engine } = deps.host;
  const { container, imageLayers } = record.request;
  for (const digest of digests) {
    try {
      await engine.fetchImage(digest);
    } catch (error) {
      // A registry of the source's own, one that asks for a password, none at all: the source has the image.
      deps.log.info({ err: error, digest }, "the image comes from the source");
      continue;
    }
    const wanted = { reference: container.image, id: container.imageId, layers: imageLayers };
    const found = await engine.findImage(wanted);
    if (!found) continue;
    await engine.nameImage(found, container.image);
    return { fetched: true, layers: [] };
  }
  return { fetched: false, layers: await engine.layersThere(imageLayers) };
}

/** What the source sends of the image. */
export async function receiveImage({ deps }: IncomingMigration, stream: Readable): Promise<void> {
  await deps.host.engine.loadImages(stream);
}
