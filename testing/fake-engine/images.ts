import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { EngineImages } from "../../src/host/engine/engine.ts";
import { refusal } from "./containers.ts";

export interface FakeImage {
  /** `sha256:...` */
  id: string;
  layers: string[];
  names: string[];
  /** `repository@sha256:...` */
  digests: string[];
}

export interface ImageStore {
  images: FakeImage[];
  /** What `fetchImage` finds, by its digests. */
  registry: FakeImage[];
}

/** An archive of the fake is one image as JSON, with the layers that it lacks as `without`. */
export function fakeImages(store: ImageStore): EngineImages {
  const find = (image: string) => store.images.find(({ id, names }) => id === image || names.includes(image));
  const must = (image: string) => {
    const found = find(image);
    if (found) return found;
    throw refusal(`No such image: ${image}`);
  };
  const known = (layers: string[]) =>
    Math.max(
      0,
      ...store.images.map((image) => {
        const differs = layers.findIndex((layer, i) => layer !== image.layers[i]);
        return differs < 0 ? layers.length : differs;
      }),
    );
  const archived = (id: string, reference: string | undefined, without: string[]) => {
    const names = reference === undefined ? [] : [reference];
    const content = JSON.stringify({ image: { ...must(id), names, digests: [] }, without });
    return { bytes: Buffer.byteLength(content), open: async () => Readable.from([content]) };
  };
  return {
    imageId: async (image) => find(image)?.id,
    imageLayers: async (image) => find(image)?.layers.slice(),
    repositoryDigests: async (image) => must(image).digests.slice(),
    async findImage({ reference, id, layers }) {
      const same = (image: FakeImage | undefined) => layers.length > 0 && image?.layers.join() === layers.join();
      return [reference, id].find((name) => same(find(name))) ?? store.images.find(same)?.id;
    },
    async fetchImage(digest) {
      const found = store.registry.find(({ digests }) => digests.includes(digest));
      if (!found) throw refusal(`manifest for ${digest} not found`);
      store.images.push(structuredClone(found));
    },
    async nameImage(image, reference) {
      if (!/@|^sha256:/.test(reference) && !find(reference)) must(image).names.push(reference);
    },
    layersThere: async (layers) => layers.slice(0, known(layers)),
    packImage: async ({ id, reference, without }) => archived(id, reference, without),
    savedImage: async ({ id, reference }) => archived(id, reference, []),
    async loadImages(stream) {
      const { image, without } = JSON.parse(await text(stream)) as { image: FakeImage; without: string[] };
      const here = store.images.flatMap(({ layers }) => layers);
      const lacking = without.find((layer) => !here.includes(layer));
      if (lacking) throw refusal(`the layer ${lacking} is missing`);
      for (const { names } of store.images)
        for (const name of image.names) if (names.includes(name)) names.splice(names.indexOf(name), 1);
      if (!find(image.id)) store.images.push(image);
      else must(image.id).names.push(...image.names);
    },
  };
}
