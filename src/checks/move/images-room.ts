import type { ContainerFacts } from "../../contract/facts.ts";
import { bytes } from "../../contract/units.ts";
import type { Check, PlannedMove } from "../check.ts";
import { fail, ok } from "../finding.ts";
import { imagesOnSource } from "../image-room.ts";
import { orderedModes } from "../modes.ts";

/** CRIU writes these images into the source's memory before they are sent. */
export const imagesRoom: Check<PlannedMove> = {
  key: "images-room",
  audiences: ["migration"],
  run: ({ container: { shared }, source: { memory }, mode }) => {
    const needed = imagesOnSource(shared, mode);
    const have = `${bytes(memory.availableBytes)} of memory is free`;
    if (memory.availableBytes >= needed) return [ok(`${have}, images need ${bytes(needed)}`)];
    const fitting = fittingMode(shared, memory.availableBytes);
    return [
      fail(
        "no-space",
        `${have}, and the images of shared memory and of tmpfs mounts need ${bytes(needed)}`,
        `free ${bytes(needed - memory.availableBytes)} of memory${fitting ? `, or use --mode ${fitting}` : ""}`,
      ),
    ];
  },
};

/** A mode whose images have room. */
function fittingMode(shared: ContainerFacts["shared"], availableBytes: number): string | undefined {
  return orderedModes.find(({ name }) => imagesOnSource(shared, name) <= availableBytes)?.name;
}
