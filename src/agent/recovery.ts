import type { CheckpointDeps } from "../checkpoint/deps.ts";
import { resumeCheckpoints } from "../checkpoint/recovery/resume.ts";
import type { IncomingMigrations } from "../migration/destination/incoming-migrations.ts";
import type { OutgoingMigrations } from "../migration/source/outgoing-migrations.ts";
import type { Operations } from "../operations/operations.ts";

export interface RecoveryDeps {
  checkpoints: CheckpointDeps;
  operations: Operations;
  incoming: IncomingMigrations;
  outgoing: OutgoingMigrations;
  /** Aborts when this agent ends. */
  ending: AbortSignal;
}

/**
 * What a restarted agent does before it listens. Each room reads its own records in the journal and adopts the operations that it
 * goes on with: an action on a checkpoint is finished or undone, a migration ends as its baton says. What needs Docker's or a peer's
 * answer goes on in the background. An operation that no room adopts ends as `interrupted`.
 */
export async function recover(deps: RecoveryDeps): Promise<void> {
  const { checkpoints, operations, incoming, outgoing, ending } = deps;
  await resumeCheckpoints(checkpoints, operations, ending);
  await incoming.resume();
  await outgoing.resume();
}
