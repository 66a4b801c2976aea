import { GodwitError } from "../../contract/errors.ts";
import type { RunResult } from "../../contract/routes.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { Operations } from "../../operations/operations.ts";
import type { CheckpointDeps } from "../deps.ts";
import { RecoveryRecord, recoveryKind, recoveryState } from "./recovery-record.ts";
import { settlePatiently } from "./settle.ts";

/**
 * After a start of the agent: settles the actions that the former agent did not complete. It does this in the background, under the
 * operation that each action was, so that the container is busy until then. `ending` aborts when this agent ends.
 */
export async function resumeCheckpoints(
  deps: CheckpointDeps,
  operations: Operations,
  ending: AbortSignal,
): Promise<void> {
  const folders: string[] = [];
  const earlier = new Map<string, Promise<unknown>>();
  for (const { id, value } of deps.journal.listRecords(recoveryKind)) {
    const parsed = recoveryState.safeParse(value);
    if (!parsed.success) continue;
    const { container, folder } = parsed.data;
    if (folder) folders.push(folder);
    const recovery = new RecoveryRecord(deps.journal, id, parsed.data);
    const body = (context: OperationContext) => end(deps, recovery, context, ending);
    // The record of an ended operation remains if it could not be settled, because Docker did not answer.
    const begin = () =>
      operations.adopt(id, body) ?? operations.start({ kind: "restore", container, cancellable: false }, body);
    const first = earlier.get(container);
    earlier.set(container, first ? first.then(() => operations.wait(begin().id)) : operations.wait(begin().id));
  }
  for (const settled of earlier.values()) settled.catch(() => {});
  await deps.store.sweep(folders);
}

async function end(
  deps: CheckpointDeps,
  recovery: RecoveryRecord,
  context: OperationContext,
  ending: AbortSignal,
): Promise<RunResult> {
  const { container, checkpoint, startedAt } = recovery.state;
  context.phase("recover", `The agent ended during this; recovering '${container}'`);
  const id = await settlePatiently(deps, recovery, ending);
  if (id === undefined) {
    throw new GodwitError("agent-ended", `The agent ended during this. '${container}' is as it was before.`, {
      hint: "Try again.",
    });
  }
  context.warn("The agent was restarted meanwhile.");
  const [steps, warnings] = [[...context.steps], [...context.warnings]];
  const totalMs = Math.max(0, Date.now() - Date.parse(startedAt));
  return { host: deps.host.name, container, id, checkpoint, downtimeMs: null, totalMs, steps, warnings };
}
