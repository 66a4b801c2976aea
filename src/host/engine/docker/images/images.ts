import { text } from "node:stream/consumers";
import { GodwitError } from "../../../../contract/errors.ts";
import type { EngineImages } from "../../engine.ts";
import { api } from "../api-path.ts";
import type { DockerClient } from "../client.ts";
import type { DockerInfo } from "../info.ts";
import { fetchImage, tagOf } from "./fetch-image.ts";
import { packImage } from "./image-archive.ts";
import { isContainerdStore, sameLayers, sharedLayers } from "./image-layers.ts";

interface InspectedImage {
  Id: string;
  Size?: number;
  RepoDigests?: string[];
  RootFS?: { Layers?: string[] };
}

export function dockerImages(client: DockerClient, info: () => Promise<DockerInfo>): EngineImages {
  const find = (image: string) => client.find<InspectedImage>(api`/images/${image}/json`);
  const inspect = (image: string) => client.get<InspectedImage>(api`/images/${image}/json`);
  const allIds = async () => (await client.get<{ Id: string }[]>(api`/images/json`)).map(({ Id }) => Id);
  const imageId = async (image: string) => (await find(image))?.Id;
  const imageLayers = async (image: string) => {
    const found = await find(image);
    return found && (found.RootFS?.Layers ?? []);
  };

  return {
    imageId,
    imageLayers,
    repositoryDigests: async (image) => (await inspect(image)).RepoDigests ?? [],
    async findImage({ reference, id, layers }) {
      for (const candidate of [reference, id]) {
        if (sameLayers(await imageLayers(candidate), layers)) return candidate;
      }
      for (const candidate of await allIds()) {
        if (sameLayers(await imageLayers(candidate), layers)) return candidate;
      }
      return undefined;
    },
    fetchImage: (digest) => fetchImage(client, digest),
    async nameImage(image, reference) {
      const name = tagOf(reference);
      if (!name || (await imageId(reference))) return;
      const { repo, tag } = name;
      await client.post(api`/images/${image}/tag`, { query: { repo, tag } });
    },
    async layersThere(layers) {
      if (isContainerdStore(await info())) return [];
      const images = await Promise.all((await allIds()).map(imageLayers));
      return layers.slice(0, Math.max(0, ...images.map((own) => sharedLayers(own ?? [], layers))));
    },
    packImage: async (image) => packImage(await info(), image),
    async savedImage({ id, reference }) {
      const { Size = 0 } = await inspect(id);
      return { bytes: Size, open: async () => client.stream("GET", api`/images/${reference ?? id}/get`) };
    },
    async loadImages(stream, signal) {
      const options = { stream, signal, query: { quiet: true } };
      const lines = await text(await client.stream("POST", api`/images/load`, options));
      const failed = lines.split("\n").find((line) => line.includes('"error"'));
      if (failed) throw new GodwitError("docker-failed", `Docker could not load the image: ${failed.trim()}.`);
    },
  };
}
