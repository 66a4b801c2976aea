import { total } from "../../checks/image-room.ts";
import { notPutBack } from "../../host/criu/images/process-state.ts";
import type { Move } from "./move.ts";

/** A link that is cut for a minute must not end a drain. */
const silenceMs = 120_000;

/**
 * Keeps the frozen original, and in post-copy serves its memory, until the destination needs nothing more.
 * @throws why the container is here again, or baton-unresolved
 */
export async function drain(move: Move): Promise<void> {
  const { context, migration, record, reports } = move;
  const follows = move.mode.followsAfterResume ? "the rest of its memory follows" : "all of its memory is there";
  move.enter("drain", `It runs on ${move.peer.name}; ${follows}`);
  const untilComplete = () => migration.baton.untilComplete(silenceMs);
  try {
    await context.step("drain", {}, () =>
      move.mode.followsAfterResume
        ? reports.during({ phase: "drain", total: bytesToFollow(move) }, untilComplete)
        : untilComplete(),
    );
  } finally {
    for (const step of migration.baton.steps) context.record(step);
    for (const what of migration.baton.unrestored) context.warn(notPutBack(what));
  }
  if (record.state.at === "passed") {
    migration.deps.askOn(migration);
    throw migration.unresolved();
  }
  if (record.state.at !== "finished") {
    await migration.baton.owed.settled();
    throw migration.reason();
  }
}

/** Bytes of memory that are sent after the resume: what rounds have left, or all that nobody shares. */
const bytesToFollow = ({ checked, rounds }: Move): number =>
  rounds?.leftBytes ?? checked.plan.memoryBytes - total(checked.facts.shared);
