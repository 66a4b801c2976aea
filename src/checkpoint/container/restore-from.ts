import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import type { CheckpointRecord } from "../../contract/checkpoint.ts";
import { GodwitError } from "../../contract/errors.ts";
import { keepInit } from "../../host/container/docker-init.ts";
import { volumeTrees } from "../../host/container/facts.ts";
import { stoppedLayer } from "../../host/container/layers.ts";
import { notPutBack } from "../../host/criu/images/process-state.ts";
import type { FileTree } from "../../host/files/trees.ts";
import type { Host } from "../../host/host.ts";
import { imagesFolder } from "../../host/paths.ts";
import { armContainer, disarmContainer } from "../../host/restore/arm.ts";
import { checkpointSpaceOf, releaseImageSpace } from "../../host/restore/image-space.ts";
import { type RunningContainer, restoreArmed } from "../../host/restore/run.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { RecoveryRecord } from "../recovery/recovery-record.ts";
import { verifySeal } from "../store/manifest.ts";
import type { CheckpointFolder } from "../store/store.ts";
import { refuseSharedVolumes } from "./shared-volumes.ts";
import { type SavedTree, stageTrees, swapsOf, swapTrees, type TreeSwap } from "./staged-trees.ts";

/** A checkpoint to run: in a folder of the store, or Docker's own, which has no files. */
export interface CheckpointSource {
  record: CheckpointRecord;
  folder: CheckpointFolder;
  /** Writable layer to copy if the checkpoint has no files. */
  filesFrom?: string | undefined;
}

/** Compares a checkpoint with its manifest before anything uses it. Docker's own have no manifest. @throws invalid-checkpoint */
export async function verifySource({ record, folder }: CheckpointSource, context: OperationContext): Promise<void> {
  if (record.origin === "docker") {
    context.warn("Docker keeps no checksums of its checkpoints. Only the restore shows whether this one is damaged.");
    return;
  }
  const what = `Checkpoint '${record.name}' of '${record.container}'`;
  context.phase("preflight", "Comparing the checkpoint with its manifest");
  await context.step("verify checkpoint", {}, () => verifySeal(folder.path, what, context.signal));
}

/** The trees of a checkpoint; if it has none, the writable layer in `filesFrom`. */
export function savedTrees({ record, folder, filesFrom }: CheckpointSource): SavedTree[] {
  if (filesFrom && record.trees.length === 0) return [{ kind: "writable-layer", destination: "/", path: filesFrom }];
  return record.trees.map(({ kind, destination }, index) => ({ kind, destination, path: folder.tree(index) }));
}

/** Copies the trees of a created container beside their places. Its volumes may be in use meanwhile. */
export async function stageFor(
  host: Host,
  id: string,
  saved: SavedTree[],
  recovery: RecoveryRecord,
  context: OperationContext,
): Promise<TreeSwap[]> {
  const container = await host.engine.inspect(id);
  const layer = await stoppedLayer(container);
  if (!layer)
    throw new GodwitError("unsupported-container", `The writable layer of container ${id.slice(0, 12)} was not found.`);
  const root: FileTree = { kind: "writable-layer", name: "", destination: "/", path: layer };
  const swaps = swapsOf(saved, [root, ...(await volumeTrees(host.engine, container))]);
  recovery.save({ swaps: swaps.map(({ path }) => path) });
  context.phase("sync", "Copying the checkpoint's files");
  await context.step("copy files", {}, () => stageTrees(swaps, context.signal));
  return swaps;
}

/** Folder of CRIU's log while CRIU restores a container. */
export const restoreWork = (id: string) => join(imagesFolder, checkpointSpaceOf(id));

export const releaseRestoreWork = (id: string) => releaseImageSpace(checkpointSpaceOf(id));

/**
 * Runs a checkpoint in a created container whose runtime is the hook, with its staged trees. Returns when the container runs.
 * `drained` settles when all its memory has arrived.
 * @throws restore-failed. Nothing of the container runs then.
 */
export async function restoreFrom(
  host: Host,
  id: string,
  { folder, record }: CheckpointSource,
  swaps: TreeSwap[],
  recovery: RecoveryRecord,
  context: OperationContext,
): Promise<RunningContainer> {
  const container = await host.engine.inspect(id);
  const { criu } = await host.facts();
  context.phase("arm", "Docker prepares the container");
  const space = checkpointSpaceOf(id);
  await releaseImageSpace(space);
  const armed = await context.step("arm", {}, async () =>
    armContainer(host.engine, id, {
      tty: container.Config.Tty ?? false,
      dockerRoot: await host.dockerRoot(),
      images: folder.images,
      work: restoreWork(id),
      lazy: criu?.lazyPages ?? false,
      keepConnections: false,
      init: existsSync(folder.init) ? await keepInit(createReadStream(folder.init)) : undefined,
    }),
  );
  try {
    context.phase("switchover", "Restoring files, then processes");
    const volumes = swaps.flatMap(({ volume }) => volume ?? []);
    await refuseSharedVolumes(host.engine, record, volumes, [id, recovery.state.prepared?.original]);
    await swapTrees(swaps.map(({ path }) => path));
    recovery.save({ released: true });
    const running = await context.step("restore processes", {}, () => restoreArmed(armed));
    for (const what of running.unrestored) context.warn(notPutBack(what));
    await armed.pending.remove();
    // Whoever puts things back after a failure learns from the folder that memory is missing.
    return { ...running, drained: running.drained.then(() => releaseImageSpace(space)) };
  } catch (error) {
    await disarmContainer(armed, "the restore failed");
    await armed.pending.remove();
    await releaseImageSpace(space);
    throw error;
  }
}
