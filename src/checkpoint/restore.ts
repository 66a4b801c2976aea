import type { RunResult } from "../contract/routes.ts";
import { containerName } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { OperationContext } from "../operations/operation-context.ts";
import { imageOf } from "./container/image.ts";
import { copyLogsTo, prepareBeside, prepareInPlace, prepareNew } from "./container/recreate.ts";
import { type CheckpointSource, restoreFrom, savedTrees, stageFor, verifySource } from "./container/restore-from.ts";
import { refuseSharedVolumes, savedVolumes } from "./container/shared-volumes.ts";
import type { CheckpointDeps } from "./deps.ts";
import { finish, withRecovery } from "./recovery/with-recovery.ts";

/**
 * Runs a container that is stopped or removed again from a checkpoint. On failure the container is stopped as it was, with the files
 * that it had.
 */
export async function restoreContainer(
  deps: CheckpointDeps,
  container: ContainerInspect | undefined,
  source: CheckpointSource,
  context: OperationContext,
): Promise<RunResult> {
  const { host, store } = deps;
  const { record } = source;
  const name = container ? containerName(container) : record.container;
  const imageRef = await imageOf(host, record);
  await verifySource(source, context);
  await refuseSharedVolumes(host.engine, record, savedVolumes(record), [container?.Id]);
  const sentence = {
    failed: `'${name}' could not be restored from '${record.name}'`,
    left: container ? "and is stopped as it was" : "and nothing of it is left running",
    hint: `List the other checkpoints with: godwit checkpoint ls ${name}`,
  };
  return withRecovery(deps, name, record.name, sentence, context, async (recovery) => {
    const inPlace = container?.Image === record.imageId ? await prepareInPlace(host, container, recovery) : undefined;
    const id = container
      ? (inPlace ?? (await prepareBeside(host, container, imageRef, recovery, context)).id)
      : await prepareNew(host, name, record.inspect, recovery, { fresh: false, imageRef });
    // Noted before the container runs, because it can start to run after this agent has ended.
    await store.join(name, [record.containerId, ...(container ? [container.Id] : [])], id);
    const swaps = await stageFor(host, id, savedTrees(source), recovery, context);
    if (container) await copyLogsTo(host, container, id);
    const { drained } = await restoreFrom(host, id, source, swaps, recovery, context);
    return finish(deps, recovery, { name, checkpoint: record.name, drained, downtimeMs: null }, context);
  });
}
