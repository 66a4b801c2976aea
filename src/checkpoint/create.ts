import type { CheckpointSummary } from "../contract/checkpoint.ts";
import { containerName } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { OperationContext } from "../operations/operation-context.ts";
import { type Captured, capture } from "./capture.ts";
import { holdRestartPolicy, policyToHold, restoreRestartPolicy } from "./container/recreate.ts";
import type { CheckpointDeps } from "./deps.ts";
import { withRecovery } from "./recovery/with-recovery.ts";
import { summaryOf } from "./store/store.ts";

/** The name of a checkpoint that was given none. */
export const nameAt = (now: Date): string => `checkpoint-${now.toISOString().slice(0, 19).replace(/[T:]/g, "-")}`;

/** Saves memory and files of a running container. With `stop` it then ends the container; otherwise the container keeps running. */
export async function createCheckpoint(
  deps: CheckpointDeps,
  container: ContainerInspect,
  request: { name: string; stop: boolean },
  context: OperationContext,
): Promise<CheckpointSummary> {
  const { host, store } = deps;
  const owner = containerName(container);
  const sentence = {
    failed: `'${owner}' could not be kept as the checkpoint '${request.name}'`,
    left: "and keeps running as it was",
  };
  return withRecovery(deps, owner, request.name, sentence, context, async (recovery) => {
    const folder = await store.begin(owner, request.name);
    recovery.save({ folder: folder.path });
    const heldPolicy = request.stop ? policyToHold(container) : null;
    if (heldPolicy) recovery.save({ frozen: container.Id, heldPolicy });
    await holdRestartPolicy(host, container.Id, heldPolicy);
    const parent = await store.current(owner, container.Id);
    const commit = async (captured: Captured) => {
      const record = { ...captured, name: request.name, parent, createdAt: new Date().toISOString() };
      await store.commit(folder, record);
      return summaryOf(record);
    };
    // The container ends only when the checkpoint is complete: until then the frozen container is the only copy of its state.
    let stopped: CheckpointSummary | undefined;
    const stop = async (captured: Captured) => {
      stopped = await commit(captured);
      await host.engine.killAndWait(container.Id);
    };
    const captured = await capture(host, container, folder, recovery, context, request.stop ? stop : undefined);
    const summary = stopped ?? (await commit(captured));
    await store.setCurrent(owner, request.name);
    await restoreRestartPolicy(host, container.Id, heldPolicy);
    if (request.stop)
      context.warn(
        `This checkpoint is now the only copy of the memory of '${owner}', and no restore has proved it yet.`,
        `Try it beside the stopped container with: godwit clone ${owner}@${request.name} ${owner}-trial`,
      );
    return summary;
  });
}
