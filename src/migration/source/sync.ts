import { modes } from "../../checks/modes.ts";
import { bytes } from "../../contract/units.ts";
import { sharedMemoryOf } from "../../host/container/facts.ts";
import { armFor } from "./arm.ts";
import type { Move } from "./move.ts";
import { type FileRound, sendTreesInRounds } from "./transfer/files/rounds.ts";
import { memoryRoundsOf } from "./transfer/memory-rounds.ts";
import { sendMemoryInRounds } from "./transfer/rounds.ts";

/** While the container runs: sends its files in rounds, and after them, in pre-copy, its memory in rounds. */
export async function sync(move: Move): Promise<void> {
  const { checked, context, controls, files, reports, signal } = move;
  move.enter("sync", "Copying files while the container runs");
  const around = ({ number, changedBytes }: FileRound, send: () => Promise<boolean>) => {
    if (changedBytes !== undefined)
      move.enter("sync", `Round ${number} of files: ${bytes(changedBytes)} have changed meanwhile`);
    return reports.during({ phase: "sync", iteration: 0, total: changedBytes ?? checked.plan.filesBytes }, send);
  };
  await context.step("copy files", {}, () => sendTreesInRounds(files, around, signal, controls.syncRate));
  if (!move.mode.goesInRounds) return sendSharedMemory(move);
  move.rounds = await sendMemoryInRounds(move, async (mode) => {
    if (!move.hasTerminal) await context.step("arm", {}, () => armFor(move, mode));
  });
  move.become((move.rounds.restFollows ? modes.postcopy : modes.precopy).name);
}

/**
 * Where other memory follows after the resume: what its processes share must be there before, and goes while they run. That is shared
 * memory, and pages that a child shares with its parent by copy-on-write.
 */
async function sendSharedMemory(move: Move): Promise<void> {
  const { checked, context, counter, mode, reports, running } = move;
  if (!mode.followsAfterResume) return;
  const objects = checked.sharesApart ? (await sharedMemoryOf(running)).memoryBytes : 0;
  const inherited = checked.keepsSharing ? Math.min(checked.facts.copiedBytes, checked.plan.memoryBytes) : 0;
  const total = objects + inherited;
  if (total === 0) return;
  move.enter("sync", `Copying shared memory: ${bytes(total)}`);
  await context.step("copy shared memory", {}, () =>
    reports.during({ phase: "sync", total }, () => memoryRoundsOf(move).send(counter)),
  );
}
