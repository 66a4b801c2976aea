import { bytes } from "../../contract/units.ts";
import type { Check, PlannedMove } from "../check.ts";
import { fail, ok } from "../finding.ts";
import { imagesOnSource } from "../image-room.ts";

/** CRIU writes these images into the source's memory before they are sent. */
export const imagesRoom: Check<PlannedMove> = {
  key: "images-room",
  audiences: ["migration"],
  run: (move) => {
    const { memory } = move.source;
    const needed = imagesOnSource(move.container, move);
    const have = `${bytes(memory.availableBytes)} of memory is free`;
    if (memory.availableBytes >= needed) return [ok(`${have}, images need ${bytes(needed)}`)];
    return [
      fail(
        "no-space",
        `${have}, and the images of memory and of tmpfs mounts need ${bytes(needed)}`,
        `free ${bytes(needed - memory.availableBytes)} of memory`,
      ),
    ];
  },
};
