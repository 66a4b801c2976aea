import type { Readable } from "node:stream";
import type { ImageAnswer, ImageQuestion } from "../../../contract/peer-messages.ts";
import { fetchImage, nameImage } from "../../../host/engine/images/fetch-image.ts";
import { findImage } from "../../../host/engine/images/find-image.ts";
import { layersThere } from "../../../host/engine/images/image-layers.ts";
import type { IncomingMigration } from "../incoming.ts";

/** Fetches the image from its registry if this host reaches that; otherwise says what of it the source can leave out. */
export async function bringImage(
  { deps, record }: IncomingMigration,
  { digests }: ImageQuestion,
): Promise<ImageAnswer> {
  const { docker } = deps.host;
  const { container, imageLayers } = record.request;
  for (const digest of digests) {
    try {
      await fetchImage(docker, digest);
    } catch (error) {
      // A registry of the source's own, one that asks for a password, none at all: the source has the image.
      deps.log.info({ err: error, digest }, "the image comes from the source");
      continue;
    }
    const wanted = { reference: container.image, id: container.imageId, layers: imageLayers };
    const found = await findImage(docker, wanted);
    if (!found) continue;
    await nameImage(docker, found, container.image);
    return { fetched: true, layers: [] };
  }
  return { fetched: false, layers: await layersThere(docker, imageLayers) };
}

/** What the source sends of the image. */
export async function receiveImage({ deps }: IncomingMigration, stream: Readable): Promise<void> {
  await deps.host.docker.loadImages(stream);
}
