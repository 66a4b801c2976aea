import { followsPages } from "../../checks/host/dirty-tracking.ts";
import type { ContainerFacts, HostFacts } from "../../contract/facts.ts";
import { bytes } from "../../contract/units.ts";

/** Why the memory of a container cannot be copied while it runs. */
export interface Refusal {
  /** A clause. */
  because: string;
  remedy: string;
}

/** Bytes that the copy may need beside the memory. */
const marginBytes = 64 * 2 ** 20;

/** Bytes that a copy of so much memory may take. It grows while it is copied. */
export const roomForCopy = (memoryBytes: number): number => Math.ceil(memoryBytes * 1.1) + marginBytes;

/**
 * Whether the memory of a container can be copied while it runs, so that only the last changes are left for the freeze.
 * @param memoryBytes of all that is copied
 */
export function copyRefused(
  host: HostFacts,
  container: { memoryBytes: number; pinned: ContainerFacts["pinned"] },
): Refusal | undefined {
  if (!followsPages(host))
    return {
      because: `${host.name} cannot tell which memory was written while it is copied`,
      remedy: "See what it lacks with: godwit doctor",
    };
  const [first] = container.pinned;
  if (first)
    return {
      because: `devices write into the memory of process ${first.pid} (${first.command}), which cannot be tracked`,
      remedy: "Let the program close files that it has open without the page cache (O_DIRECT), AIO and io_uring.",
    };
  const needed = roomForCopy(container.memoryBytes);
  const { availableBytes } = host.memory;
  if (availableBytes < needed)
    return {
      because: `a copy of it needs ${bytes(needed)}, and ${host.name} has ${bytes(availableBytes)} of memory free`,
      remedy: `Free ${bytes(needed - availableBytes)} of memory.`,
    };
  return undefined;
}
