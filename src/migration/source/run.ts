import { setTimeout as sleep } from "node:timers/promises";
import { sendsAllFrozen } from "../../checks/modes.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { Move } from "./move.ts";
import type { OutgoingMigration } from "./outgoing.ts";
import { keepsRunning } from "./reasons.ts";
import { learnSwitchover } from "./transfer/switchover-cost.ts";

/** How long the operation waits for a destination that does not answer with the baton on its way; the agent asks on after it. */
const silenceMs = 30_000;
/** How long a failed operation waits for the destination to undo its part. */
const undoneMs = 5_000;

/**
 * Runs the phases up to the offer of the baton. Whatever fails in them, the container keeps running here: it is thawed, and the
 * destination removes what it has of it.
 */
export async function orGiveUp(move: Move, phases: () => Promise<void>): Promise<void> {
  try {
    await phases();
  } catch (error) {
    // After a cancel, later errors follow from it and are not reported.
    const stopped = move.stop.aborted;
    await giveUp(move);
    throw stopped ? move.stop.reason : await move.watch.reason(reasonBehind(move.migration, error));
  }
}

/** Waits until the destination runs the container. @throws why it stays here, or baton-unresolved */
export async function run(move: Move): Promise<void> {
  const { migration, record } = move;
  const isDecided = () => record.state.at === "finished" || record.state.at === "holds";
  const known = await migration.baton.askUntil(
    () => isDecided() || (record.state.at === "passed" && migration.baton.runsThere),
    silenceMs,
  );
  move.downtimeMs = performance.now() - move.frozenAt;
  if (!known) {
    migration.deps.askOn(migration);
    throw migration.unresolved();
  }
  if (record.state.at === "holds") {
    await migration.baton.owed.settled();
    migration.forget();
    throw migration.reason();
  }
  if (!sendsAllFrozen(move.mode)) {
    const sendingMs = (move.rounds?.sendingMs ?? 0) + move.filesMs;
    learnSwitchover(migration.deps.journal, { downtimeMs: move.downtimeMs, sendingMs });
  }
  record.result = move.result(null);
  migration.save();
}

/** The container runs again at once; the destination is told in the background if it does not answer in a moment. */
async function giveUp(move: Move): Promise<void> {
  const { migration } = move;
  const told = migration.baton.insist({ type: "cancel" }).then(() => migration.deps.askOn(migration));
  told.catch((error) => migration.deps.log.error({ err: error }, "a failed migration was not taken back"));
  await Promise.race([told, sleep(undoneMs, undefined, { ref: false })]);
  await migration.baton.owed.settled("thaw", "restart-policy");
}

/** The destination's reason, where it explains a broken stream or dump. */
function reasonBehind(migration: OutgoingMigration, error: unknown): unknown {
  if (!(error instanceof GodwitError)) return error;
  const isBroken = ["dump-failed", "transfer-failed", "command-failed"].includes(error.code);
  if (isBroken && migration.baton.refusal) return migration.reason();
  return keepsRunning(error, migration.record.container, migration.deps.host.name);
}
