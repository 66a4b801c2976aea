import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import type { CheckpointRecord } from "../contract/checkpoint.ts";
import { keepInit } from "../host/container/docker-init.ts";
import { volumeTrees } from "../host/container/facts.ts";
import { type FileTree, mirrorTree } from "../host/container/trees.ts";
import type { Host } from "../host/host.ts";
import { imagesFolder } from "../host/paths.ts";
import { type ArmedContainer, armContainer, disarmContainer } from "../host/restore/arm.ts";
import { releaseImageSpace } from "../host/restore/image-space.ts";
import { type RunningContainer, restoreArmed } from "../host/restore/run.ts";
import type { OperationContext } from "../journal/operation-context.ts";
import { putBackTrees } from "./capture.ts";
import type { CheckpointFolder } from "./store.ts";

/** What a checkpoint is run from: a folder of the store, or Docker's own, which has no files. */
export interface CheckpointSource {
  record: CheckpointRecord;
  folder: CheckpointFolder;
  /** Writable layer to copy where the checkpoint holds no files. */
  filesFrom?: string | undefined;
}

/**
 * Runs a checkpoint in a created container whose runtime is the hook. Returns when it runs; the memory that is still on its way
 * comes behind `drained`.
 * @throws restore-failed; nothing of the container runs then, and it can be removed or tried again
 */
export async function runAgain(
  host: Host,
  id: string,
  source: CheckpointSource,
  context: OperationContext,
): Promise<RunningContainer> {
  const container = await host.docker.inspect(id);
  const { criu } = await host.facts();
  context.phase("arm", "Docker prepares the container");
  const space = `restore-${id.slice(0, 12)}`;
  await releaseImageSpace(space);
  const armed = await context.step("arm", {}, async () =>
    armContainer(host.docker, id, {
      tty: container.Config.Tty ?? false,
      dockerRoot: await host.dockerRoot(),
      images: source.folder.images,
      work: join(imagesFolder, space),
      lazy: criu?.lazyPages ?? false,
      keepConnections: false,
      init: existsSync(source.folder.init) ? await keepInit(createReadStream(source.folder.init)) : undefined,
    }),
  );
  try {
    context.phase("switchover", "Restoring files, then processes");
    await context.step("put files back", {}, async () =>
      putFilesBack(source, [writableLayer(armed), ...(await volumeTrees(host.docker, container))]),
    );
    const running = await context.step("restore processes", {}, () => restoreArmed(armed));
    await armed.pending.remove();
    return { ...running, drained: running.drained.finally(() => releaseImageSpace(space)) };
  } catch (error) {
    await disarmContainer(armed, "the restore failed");
    await armed.pending.remove();
    await releaseImageSpace(space);
    throw error;
  }
}

async function putFilesBack(source: CheckpointSource, targets: FileTree[]): Promise<void> {
  await putBackTrees(source.folder, source.record, targets);
  const [layer] = targets;
  if (source.filesFrom && layer && source.filesFrom !== layer.path) await mirrorTree(source.filesFrom, layer.path);
}

function writableLayer(armed: ArmedContainer): FileTree {
  return { kind: "writable-layer", name: "", destination: "/", path: armed.root.upper };
}
