import { bytes } from "../../contract/units.ts";
import type { Check, PlannedMove } from "../check.ts";
import { fail, ok } from "../finding.ts";
import { keepsSharing, leastCopied } from "../modes.ts";

/** What a restore needs beside the pages: CRIU itself, page tables, the small images. */
const restoreOverhead = 64 * 1024 ** 2;

/** The images lie in tmpfs while the restored copy fills up beside them. Locked memory is in them twice: see `roomOnDestination`. */
export const memoryRoom: Check<PlannedMove> = {
  key: "memory-room",
  audiences: ["migration"],
  run: ({ container, source, destination }) => {
    const { memory } = destination;
    const copied = keepsSharing(source, destination, container) ? 0 : container.copiedBytes;
    const { lockedBytes } = container.shared;
    const needed = 2 * (container.memoryBytes + copied) + lockedBytes + restoreOverhead;
    const have = `${bytes(memory.availableBytes)} of memory is free`;
    const why = copied >= leastCopied ? `, of which ${bytes(copied)} is shared by its processes and is copied` : "";
    if (memory.availableBytes >= needed) return [ok(`${have}, the restore needs ${bytes(needed)}${why}`)];
    return [
      fail(
        "no-space",
        `${have}, and the restore needs ${bytes(needed)} (twice the container's memory${why})`,
        `free ${bytes(needed - memory.availableBytes)} of memory`,
      ),
    ];
  },
};

export const diskRoom: Check<PlannedMove> = {
  key: "disk-room",
  audiences: ["migration"],
  run: ({ container, destination: { disk }, view }) => {
    const needed = container.writableBytes + container.volumeBytes;
    const have = `${bytes(disk.dockerFreeBytes)} of disk is free`;
    if (disk.dockerFreeBytes >= needed) {
      const image = view.imagePresent ? "" : "; its image is sent as well, and needs more";
      return [ok(`${have}, the container's files need ${bytes(needed)}${image}`)];
    }
    const image = view.imagePresent ? "" : ", and its image needs more";
    const what = `${have}, and the container's files need ${bytes(needed)}${image}`;
    return [fail("no-space", what, "docker system prune")];
  },
};
