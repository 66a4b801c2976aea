import { modes } from "../../checks/modes.ts";
import { armFor } from "./arm.ts";
import type { Move } from "./move.ts";
import { sendTreesInRounds } from "./transfer/files.ts";
import { sendMemoryInRounds } from "./transfer/rounds.ts";

/** While the container runs: sends its files in rounds, and after them, in pre-copy, its memory in rounds. */
export async function sync(move: Move): Promise<void> {
  const { checked, context, controls, files, reports, signal } = move;
  move.enter("sync", "Copying files while the container runs");
  await context.step("copy files", {}, () =>
    reports.during({ phase: "sync", total: checked.plan.filesBytes }, () =>
      sendTreesInRounds(files, signal, controls.syncRate),
    ),
  );
  if (!move.mode.goesInRounds) return;
  move.rounds = await sendMemoryInRounds(move, async (mode) => {
    if (!move.hasTerminal) await context.step("arm", {}, () => armFor(move, mode));
  });
  move.become((move.rounds.restFollows ? modes.postcopy : modes.precopy).name);
}
