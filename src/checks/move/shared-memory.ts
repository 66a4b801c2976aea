import { bytes } from "../../contract/units.ts";
import type { Check, PlannedMove } from "../check.ts";
import { warn } from "../finding.ts";
import { imagesOnSource } from "../image-room.ts";
import { modes, sendsAllFrozen } from "../modes.ts";

/** Any link carries less within about a second. */
const quickBytes = 64 * 2 ** 20;

/** Shared memory and tmpfs mounts go under the freeze in every mode. Where all memory does, that is nothing special. */
export const sharedMemory: Check<PlannedMove> = {
  key: "shared-memory",
  audiences: ["migration"],
  run: ({ container: { shared }, source: { memory }, mode }) => {
    const frozenBytes = shared.memoryBytes + shared.tmpfsBytes;
    if (sendsAllFrozen(modes[mode]) || frozenBytes < quickBytes) return [];
    // The check of their images has failed already.
    if (imagesOnSource(shared, mode) > memory.availableBytes) return [];
    const what = `${bytes(frozenBytes)} of shared memory and tmpfs mounts are sent while the container is frozen`;
    return [warn(what, "choose a time when a longer downtime does no harm")];
  },
};
