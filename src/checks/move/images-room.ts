import type { PlainMode } from "../../contract/migration.ts";
import { bytes } from "../../contract/units.ts";
import type { Check, PlannedMove } from "../check.ts";
import { fail, ok } from "../finding.ts";
import { imagesOnSource } from "../image-room.ts";
import { orderedModes } from "../modes.ts";

/** CRIU writes these images into the source's memory before they are sent. */
export const imagesRoom: Check<PlannedMove> = {
  key: "images-room",
  audiences: ["migration"],
  run: (move) => {
    const { container, source } = move;
    const { memory } = source;
    const needed = imagesOnSource(container.shared, move);
    const have = `${bytes(memory.availableBytes)} of memory is free`;
    if (memory.availableBytes >= needed) return [ok(`${have}, images need ${bytes(needed)}`)];
    const fitting = fittingMode(move);
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
function fittingMode(move: PlannedMove): string | undefined {
  const { container, source } = move;
  const fits = (mode: PlainMode) => imagesOnSource(container.shared, { ...move, mode }) <= source.memory.availableBytes;
  return orderedModes.find(({ name }) => fits(name))?.name;
}
