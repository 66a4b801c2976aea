import { bytes } from "../../contract/units.ts";
import type { Check, PlannedMove } from "../check.ts";
import { warn } from "../finding.ts";
import { imagesOnSource, sharedByCriu } from "../image-room.ts";
import { modes, sendsAllFrozen } from "../modes.ts";

/** Any link carries less within about a second. */
const quickBytes = 64 * 2 ** 20;

/**
 * tmpfs mounts and locked memory go under the freeze in every mode, and shared memory where it does not go in godwit's own rounds.
 * Where all memory does, that is nothing special.
 */
export const sharedMemory: Check<PlannedMove> = {
  key: "shared-memory",
  audiences: ["migration"],
  run(move) {
    const { container, source, mode } = move;
    const { shared } = container;
    const byCriu = sharedByCriu(shared, move);
    const frozenBytes = shared.tmpfsBytes + shared.lockedBytes + byCriu;
    if (sendsAllFrozen(modes[mode]) || frozenBytes < quickBytes) return [];
    // The check of their images has failed already.
    if (imagesOnSource(container, move) > source.memory.availableBytes) return [];
    const kinds = [
      { name: byCriu < shared.memoryBytes ? "huge pages" : "shared memory", size: byCriu },
      { name: "locked memory", size: shared.lockedBytes },
      { name: "tmpfs mounts", size: shared.tmpfsBytes },
    ];
    const named = kinds.filter(({ size }) => size > 0).map(({ name }) => name);
    const what = `${bytes(frozenBytes)} of ${named.join(" and ")} are sent while the container is frozen`;
    return [warn(what, "choose a time when a longer downtime does no harm")];
  },
};
