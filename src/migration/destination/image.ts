import type { Readable } from "node:stream";
import type { ImageAnswer, ImageQuestion, MigrationOffer } from "../../contract/migration.ts";
import type { Host } from "../../host/host.ts";

type Offered = Pick<MigrationOffer, "container" | "imageLayers">;

/** The image of an arriving container, where it is lacking here. */
export class ArrivingImage {
  readonly #host: Host;
  readonly #offer: Offered;

  constructor(host: Host, offer: Offered) {
    this.#host = host;
    this.#offer = offer;
  }

  /** From its registry if that can be reached from here; otherwise says what of it need not be sent. */
  async bring({ digests }: ImageQuestion): Promise<ImageAnswer> {
    const { engine } = this.#host;
    const { container, imageLayers } = this.#offer;
    for (const digest of digests) {
      try {
        await engine.fetchImage(digest);
      } catch {
        // A registry of the source's own, one that asks for a password, none at all: the source has the image.
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

  /** What the source sends of it. */
  async receive(stream: Readable): Promise<void> {
    await this.#host.engine.loadImages(stream);
  }
}
