import { randomUUID } from "node:crypto";
import { transientCheckpointName } from "../contract/checkpoint.ts";
import type { RunResult } from "../contract/routes.ts";
import { containerName } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { OperationContext } from "../operations/operation-context.ts";
import { capture } from "./capture.ts";
import { imageOf } from "./container/image.ts";
import { prepareNew } from "./container/recreate.ts";
import { type CheckpointSource, restoreFrom, savedTrees, stageFor, verifySource } from "./container/restore-from.ts";
import type { CheckpointDeps } from "./deps.ts";
import type { RecoveryRecord } from "./recovery/recovery-record.ts";
import { finish, withRecovery } from "./recovery/with-recovery.ts";

/** Runs a checkpoint in a new container with a network and files of its own. */
export async function cloneContainer(
  deps: CheckpointDeps,
  source: CheckpointSource,
  name: string,
  context: OperationContext,
): Promise<RunResult> {
  await verifySource(source, context);
  return withRecovery(deps, name, source.record.name, failureOf(name), context, (recovery) =>
    runClone(deps, source, name, recovery, context),
  );
}

/** Clones a running container: on this host, or with `elsewhere` on another one. `elsewhere` gets the checkpoint to clone from. */
export async function cloneRunning(
  deps: CheckpointDeps,
  container: ContainerInspect,
  name: string,
  context: OperationContext,
  elsewhere?: (source: CheckpointSource) => Promise<RunResult>,
): Promise<RunResult> {
  const { host, store } = deps;
  return withRecovery(deps, name, null, failureOf(name), context, async (recovery) => {
    const folder = await store.begin(containerName(container), `transient-${randomUUID()}`);
    recovery.save({ folder: folder.path });
    const captured = await capture(host, container, folder, recovery, context);
    recovery.save({ frozen: null });
    const record = { ...captured, name: transientCheckpointName, parent: null, createdAt: new Date().toISOString() };
    const source = { folder, record };
    if (elsewhere) await store.seal(folder, record);
    const result = elsewhere ? await elsewhere(source) : await runClone(deps, source, name, recovery, context);
    await store.discard(folder);
    return result;
  });
}

const failureOf = (clone: string) => ({
  failed: `The clone '${clone}' could not be made`,
  left: "and nothing of it is left",
});

async function runClone(
  deps: CheckpointDeps,
  source: CheckpointSource,
  name: string,
  recovery: RecoveryRecord,
  context: OperationContext,
): Promise<RunResult> {
  const { record } = source;
  const volumes = record.trees.filter((tree) => tree.kind === "volume").map((tree) => tree.name);
  const id = await prepareNew(deps.host, name, record.inspect, recovery, {
    fresh: true,
    imageRef: await imageOf(deps.host, record),
    volumeRenames: namesOfCopies(name, volumes),
  });
  const swaps = await stageFor(deps.host, id, savedTrees(source), recovery, context);
  const { drained } = await restoreFrom(deps.host, id, source, swaps, recovery, context);
  context.warn(
    `'${name}' begins with the same random state, session ids and host name as '${record.container}': what a program draws from its own generator next, both draw.`,
    "Let the program seed itself again, such as by a restart of its workers, before it makes keys or ids.",
  );
  const checkpoint = record.name === transientCheckpointName ? null : record.name;
  return finish(deps, recovery, { name, checkpoint, drained, downtimeMs: null }, context);
}

/** Names for the copies of volumes, by the name of the volume. A number tells names with the same beginning apart. */
export function namesOfCopies(clone: string, volumes: string[]): Record<string, string> {
  const shortened = (volume: string) => `${clone}_${volume.slice(0, 40)}`;
  const copyOf = (volume: string, i: number) => {
    const before = volumes.slice(0, i).filter((other) => shortened(other) === shortened(volume)).length;
    return before === 0 ? shortened(volume) : `${shortened(volume)}_${before + 1}`;
  };
  return Object.fromEntries(volumes.map((volume, i) => [volume, copyOf(volume, i)]));
}
