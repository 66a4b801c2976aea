import type { Check, PlannedMove } from "../check.ts";
import { warn } from "../finding.ts";
import { modes } from "../modes.ts";

/** Pre-copy that was asked for: such a process gives all of its memory in each round, and again under the freeze. */
export const pinnedMemory: Check<PlannedMove> = {
  key: "pinned-memory",
  audiences: ["migration"],
  run: ({ container, mode }) => {
    const [first, ...others] = container.pinned;
    if (!first || !modes[mode].goesInRounds) return [];
    const more = others.length > 0 ? ` and ${others.length} more` : "";
    return [
      warn(
        `devices write into the memory of process ${first.pid} (${first.command})${more}, which cannot be tracked: all of it goes under the freeze`,
        "use --mode postcopy",
      ),
    ];
  },
};
