import type { ContainerFacts } from "../contract/facts.ts";
import type { PlannedMove } from "./check.ts";
import { sharesApart } from "./host/dirty-tracking.ts";
import { leavesMemoryOut } from "./modes.ts";

type Shared = ContainerFacts["shared"];
type Hosts = Pick<PlannedMove, "source" | "destination">;
type Sizes = Pick<ContainerFacts, "memoryBytes" | "copiedBytes" | "shared">;

/**
 * Bytes for CRIU's images beside those of pages, shared memory and tmpfs mounts. They hold what sockets had still to send, which is
 * some MiB for each slow reader.
 */
const smallImagesBytes = 256 * 2 ** 20;

/** Bytes of shared memory that CRIU sends, under the freeze. */
export const sharedByCriu = ({ memoryBytes, hugeBytes }: Shared, { source, destination }: Hosts): number =>
  sharesApart(source) && sharesApart(destination) ? hugeBytes : memoryBytes;

/**
 * Bytes that the images of memory and of tmpfs mounts take in the source's memory: of locked memory, of shared memory where it does not go
 * apart, and of all memory where CRIU cannot leave it out.
 */
export function imagesOnSource({ shared, memoryBytes }: Sizes, hosts: Hosts): number {
  if (!leavesMemoryOut(hosts.source, hosts.destination)) return memoryBytes;
  return shared.tmpfsBytes + shared.lockedBytes + sharedByCriu(shared, hosts);
}

/** Bytes that all images on the source may take, where shared memory has become `shared`. `isLeftOut`: see `leavesMemoryOut`. */
export const roomOnSource = (container: Sizes, shared: Shared, isLeftOut: boolean): number =>
  isLeftOut ? smallImagesBytes + total(shared) + shared.lockedBytes : roomOnDestination(container, shared);

/**
 * Bytes that all images on the destination may take, where shared memory has become `shared`; the small ones grow with all memory.
 * Rounds bring locked memory, and CRIU's images have it once more.
 */
export function roomOnDestination(container: Sizes, shared: Shared): number {
  const { memoryBytes, copiedBytes } = container;
  const grown = memoryBytes + copiedBytes - total(container.shared) + total(shared) + shared.lockedBytes;
  return grown * 1.1 + smallImagesBytes;
}

/** Bytes of shared memory and tmpfs mounts together. */
export const total = ({ memoryBytes, tmpfsBytes }: Shared) => memoryBytes + tmpfsBytes;
