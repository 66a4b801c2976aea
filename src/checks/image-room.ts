import type { ContainerFacts } from "../contract/facts.ts";
import type { PlannedMove } from "./check.ts";
import { roundsBetween, sharesApart } from "./host/dirty-tracking.ts";
import { modes, sendsAllFrozen } from "./modes.ts";

type Shared = ContainerFacts["shared"];
type Between = Pick<PlannedMove, "source" | "destination" | "mode">;

/**
 * Bytes for CRIU's images beside those of pages, shared memory and tmpfs mounts. They hold what sockets had still to send, which is
 * some MiB for each slow reader.
 */
const smallImagesBytes = 256 * 2 ** 20;

/** Whether shared memory goes in rounds, so that CRIU leaves it out. */
export function goesApart({ source, destination, mode }: Between): boolean {
  const isCrius = modes[mode].goesInRounds && roundsBetween(source, destination) === "pre-dump";
  return !isCrius && !sendsAllFrozen(modes[mode]) && sharesApart(source) && sharesApart(destination);
}

/** Bytes of shared memory that CRIU sends, under the freeze or in its own rounds. */
export const sharedByCriu = ({ memoryBytes, hugeBytes }: Shared, between: Between): number =>
  goesApart(between) ? hugeBytes : memoryBytes;

/** Bytes that the images of shared memory and of tmpfs mounts take in the source's memory. */
export function imagesOnSource(shared: Shared, between: Between): number {
  return shared.tmpfsBytes + (modes[between.mode].holdsSharedMemory ? sharedByCriu(shared, between) : 0);
}

/** Bytes that all images on the source may take, in any mode. */
export const roomOnSource = (shared: Shared): number => smallImagesBytes + total(shared);

/** Bytes that all images on the destination may take, where shared memory has become `shared`; the small ones grow with all memory. */
export function roomOnDestination(container: Pick<ContainerFacts, "memoryBytes" | "shared">, shared: Shared): number {
  return (container.memoryBytes - total(container.shared) + total(shared)) * 1.1 + smallImagesBytes;
}

const total = ({ memoryBytes, tmpfsBytes }: Shared) => memoryBytes + tmpfsBytes;
