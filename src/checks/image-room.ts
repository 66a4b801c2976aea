import type { ContainerFacts } from "../contract/facts.ts";
import type { Mode } from "../contract/migration.ts";

type Shared = ContainerFacts["shared"];

/**
 * Bytes for CRIU's images beside those of pages, shared memory and tmpfs mounts. What sockets had still to send is among them, some
 * MiB for each slow reader.
 */
const smallImagesBytes = 256 * 2 ** 20;

/**
 * Bytes that the images of shared memory and of tmpfs mounts take in the source's memory. Shared memory goes to the destination as
 * it is dumped, except in post-copy, which pre-copy can become.
 */
export function imagesOnSource(shared: Shared, mode: Mode): number {
  return shared.tmpfsBytes + (mode === "cold" ? 0 : shared.memoryBytes);
}

/** Bytes that all images on the source may take, in any mode. */
export const roomOnSource = (shared: Shared): number => smallImagesBytes + imagesOnSource(shared, "postcopy");

/** Bytes that all images on the destination may take, where shared memory has become `shared`; the small ones grow with all memory. */
export function roomOnDestination(container: Pick<ContainerFacts, "memoryBytes" | "shared">, shared: Shared): number {
  return (container.memoryBytes - total(container.shared) + total(shared)) * 1.1 + smallImagesBytes;
}

const total = ({ memoryBytes, tmpfsBytes }: Shared) => memoryBytes + tmpfsBytes;
