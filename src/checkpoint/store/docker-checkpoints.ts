import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointRecord } from "../../contract/checkpoint.ts";
import { containerName } from "../../host/container/facts.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import { treeBytes } from "../../host/files/trees.ts";
import type { CheckpointFolder } from "./store.ts";

/** Checkpoints of a container that `docker checkpoint create` made. They have processes only, no files. */
export async function dockerCheckpoints(container: ContainerInspect, dockerRoot: string): Promise<CheckpointRecord[]> {
  const root = checkpointsOf(container, dockerRoot);
  const names = await readdir(root).catch(() => []);
  return Promise.all(names.map((name) => describe(container, join(root, name), name)));
}

export function dockerCheckpointFolder(
  container: ContainerInspect,
  dockerRoot: string,
  name: string,
): CheckpointFolder {
  const path = join(checkpointsOf(container, dockerRoot), name);
  return { path, images: path, init: join(path, "init"), tree: (index) => join(path, "trees", String(index)) };
}

function checkpointsOf(container: ContainerInspect, dockerRoot: string): string {
  return join(dockerRoot, "containers", container.Id, "checkpoints");
}

async function describe(container: ContainerInspect, path: string, name: string): Promise<CheckpointRecord> {
  return {
    name,
    container: containerName(container),
    containerId: container.Id,
    image: container.Config.Image,
    imageId: container.Image,
    imageLayers: [],
    createdAt: (await stat(path)).mtime.toISOString(),
    parent: null,
    origin: "docker",
    criuVersion: null,
    architecture: "",
    memoryBytes: await treeBytes(path),
    filesBytes: 0,
    frozenMs: null,
    frozenBytes: null,
    processes: [],
    trees: [],
    inspect: container,
  };
}
