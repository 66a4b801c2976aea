import type { ContainerFacts } from "../contract/facts.ts";
import type { PlainMode } from "../contract/migration.ts";
import { modes } from "./modes.ts";

type Shared = ContainerFacts["shared"];

/**
 * Bytes for CRIU's images beside those of pages, shared memory and tmpfs mounts. They hold what sockets had still to send, which is
 * some MiB for each slow reader.
 */
const smallImagesBytes = 256 * 2 ** 20;

/** Bytes that the images of shared memory and of tmpfs mounts take in the source's memory. */
export function imagesOnSource(shared: Shared, mode: PlainMode): number {
  return shared.tmpfsBytes + (modes[mode].holdsSharedMemory ? shared.memoryBytes : 0);
}

/** Bytes that all images on the source may take, in any mode. */
export const roomOnSource = (shared: Shared): number => smallImagesBytes + total(shared);

/** Bytes that all images on the destination may take, where shared memory has become `shared`; the small ones grow with all memory. */
export function roomOnDestination(
  container: Pick<ContainerFacts, "memoryBytes" | "copiedBytes" | "shared">,
  shared: Shared,
): number {
  const { memoryBytes, copiedBytes } = container;
  return (memoryBytes + copiedBytes - total(container.shared) + total(shared)) * 1.1 + smallImagesBytes;
}

const total = ({ memoryBytes, tmpfsBytes }: Shared) => memoryBytes + tmpfsBytes;
