import { bytes } from "../../contract/units.ts";
import type { Check, PlannedMove } from "../check.ts";
import { warn } from "../finding.ts";
import { imagesOnSource, sharedByCriu } from "../image-room.ts";
import { modes, sendsAllFrozen } from "../modes.ts";

/** Any link carries less within about a second. */
const quickBytes = 64 * 2 ** 20;

/**
 * tmpfs mounts go under the freeze in every mode, and shared memory where it does not go in godwit's own rounds. Where all memory does,
 * that is nothing special.
 */
export const sharedMemory: Check<PlannedMove> = {
  key: "shared-memory",
  audiences: ["migration"],
  run(move) {
    const { container, source, mode } = move;
    const { shared } = container;
    const byCriu = sharedByCriu(shared, move);
    const frozenBytes = shared.tmpfsBytes + byCriu;
    if (sendsAllFrozen(modes[mode]) || frozenBytes < quickBytes) return [];
    // The check of their images has failed already.
    if (imagesOnSource(container, move) > source.memory.availableBytes) return [];
    const kinds =
      byCriu === 0
        ? "tmpfs mounts"
        : byCriu < shared.memoryBytes
          ? "huge pages and tmpfs mounts"
          : "shared memory and tmpfs mounts";
    const what = `${bytes(frozenBytes)} of ${kinds} are sent while the container is frozen`;
    return [warn(what, "choose a time when a longer downtime does no harm")];
  },
};
