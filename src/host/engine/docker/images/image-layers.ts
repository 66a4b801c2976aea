import type { DockerInfo } from "../info.ts";

/** containerd's image store knows layers by what was pulled, not by the digest of their content, and takes only whole images. */
export function isContainerdStore({ DriverStatus }: Pick<DockerInfo, "DriverStatus">): boolean {
  return (DriverStatus ?? []).some(([, value]) => value.startsWith("io.containerd.snapshotter"));
}

/** How many layers two images have in common, from the lowest on: what is above another one is another layer. */
export function sharedLayers(one: string[], other: string[]): number {
  const differs = one.findIndex((layer, i) => layer !== other[i]);
  return differs < 0 ? one.length : differs;
}

/** Whether two images have the same files. Nothing is known of an image without layers. */
export function sameLayers(found: string[] | undefined, wanted: string[]): boolean {
  if (!found || wanted.length === 0 || found.length !== wanted.length) return false;
  return sharedLayers(found, wanted) === wanted.length;
}
