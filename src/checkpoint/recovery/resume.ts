import { GodwitError } from "../../contract/errors.ts";
import type { RunResult } from "../../contract/routes.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { Operations } from "../../operations/operations.ts";
import type { CheckpointDeps } from "../deps.ts";
import { RecoveryRecord, recoveryKind, recoveryState } from "./recovery-record.ts";
import { settlePatiently } from "./settle.ts";

/**
 * After a start of the agent: what its last life left in the middle of an action is settled in the background, as the operation
 * that it was, so that its container is busy until then. `ending` aborts when this agent ends.
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
    // An operation that has ended with a record left could not put things back: Docker did not answer then.
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
  context.phase("recover", `The agent ended in the middle of this; '${container}' is put right`);
  const id = await settlePatiently(deps, recovery, ending);
  if (id === undefined) {
    throw new GodwitError(
      "agent-ended",
      `The agent ended in the middle of this; '${container}' is as it was before it.`,
      {
        hint: "Try again.",
      },
    );
  }
  context.warn("The agent was restarted meanwhile.");
  const [steps, warnings] = [[...context.steps], [...context.warnings]];
  const totalMs = Math.max(0, Date.now() - Date.parse(startedAt));
  return { host: deps.host.name, container, id, checkpoint, downtimeMs: null, totalMs, steps, warnings };
}
