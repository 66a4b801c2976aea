import type { Docker } from "../containers.ts";

/** An image as the source has it. */
export interface WantedImage {
  /** As the container was created with it. */
  reference: string;
  /** Of the source's own image store: another kind of store has another id for the same content. */
  id: string;
  /** Digests of its layers, lowest first: they say what is in it on every host. */
  layers: string[];
}

/** What to create a container from so that its files are those of the wanted image; undefined where this host has no such. */
export async function findImage(docker: Docker, wanted: WantedImage): Promise<string | undefined> {
  for (const candidate of [wanted.reference, wanted.id]) {
    if (sameLayers(await docker.imageLayers(candidate), wanted.layers)) return candidate;
  }
  for (const id of await docker.imageIds()) {
    if (sameLayers(await docker.imageLayers(id), wanted.layers)) return id;
  }
  return undefined;
}

function sameLayers(found: string[] | undefined, wanted: string[]): boolean {
  return (
    found !== undefined &&
    wanted.length > 0 &&
    found.length === wanted.length &&
    found.every((layer, i) => layer === wanted[i])
  );
}
