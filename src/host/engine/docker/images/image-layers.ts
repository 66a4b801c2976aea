import type { Docker } from "../containers.ts";

/** Whether layers are kept as Docker itself names them: containerd's store knows them by what was pulled. */
export async function namesLayers(docker: Docker): Promise<boolean> {
  const { DriverStatus } = await docker.info();
  return !(DriverStatus ?? []).some(([, value]) => value.includes("containerd.snapshotter"));
}

/** The lowest of these layers that Docker has already, under an image of its own. None where it would not do without them in a load. */
export async function layersThere(docker: Docker, layers: string[]): Promise<string[]> {
  if (!(await namesLayers(docker))) return [];
  const images = await Promise.all((await docker.imageIds()).map((id) => docker.imageLayers(id)));
  const shared = images.map((own) => sharedLayers(own ?? [], layers));
  return layers.slice(0, Math.max(0, ...shared));
}

/** How many layers two images have in common, from the lowest on: what is above another one is another layer. */
export function sharedLayers(one: string[], other: string[]): number {
  const differs = one.findIndex((layer, i) => layer !== other[i]);
  return differs < 0 ? one.length : differs;
}
