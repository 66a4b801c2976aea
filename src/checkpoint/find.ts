import type { CheckpointRecord, CheckpointSummary } from "../contract/checkpoint.ts";
import { GodwitError } from "../contract/errors.ts";
import { containerName } from "../host/container/facts.ts";
import { stoppedLayer } from "../host/container/layers.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { Host } from "../host/host.ts";
import type { CheckpointSource } from "./container/restore-from.ts";
import { dockerCheckpointFolder, dockerCheckpoints } from "./store/docker-checkpoints.ts";
import { type CheckpointStore, summaryOf } from "./store/store.ts";

/** Lists all checkpoints of a container, godwit's own and Docker's, oldest first. */
export async function listCheckpoints(
  host: Host,
  store: CheckpointStore,
  container?: ContainerInspect,
  name?: string,
): Promise<CheckpointRecord[]> {
  const own = await store.list(container ? containerName(container) : name);
  const docker = container ? await dockerCheckpoints(container, await host.dockerRoot()) : [];
  return [...own, ...docker].sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}

/** @throws no-such-checkpoint. The hint names the checkpoints that exist. */
export async function findCheckpoint(
  host: Host,
  store: CheckpointStore,
  container: ContainerInspect | undefined,
  owner: string,
  name: string,
): Promise<CheckpointSource> {
  const own = await store.find(owner, name);
  if (own) return { record: own, folder: store.folder(owner, name) };
  const all = await listCheckpoints(host, store, container, owner);
  const docker = all.find((record) => record.origin === "docker" && record.name === name);
  if (docker && container) {
    const dockerRoot = await host.dockerRoot();
    return {
      record: docker,
      folder: dockerCheckpointFolder(container, dockerRoot, name),
      filesFrom: await stoppedLayer(container),
    };
  }
  throw new GodwitError("no-such-checkpoint", `Container '${owner}' has no checkpoint '${name}'.`, {
    hint:
      all.length > 0
        ? `It has: ${all.map((record) => record.name).join(", ")}`
        : `Take one of the running container with: godwit checkpoint create ${owner} ${name}`,
  });
}

/** Summarises records. A checkpoint is foreign if it was taken of another container than the one in `containers` with the same name. */
export async function summaries(
  store: CheckpointStore,
  records: CheckpointRecord[],
  containers: ContainerInspect[],
): Promise<CheckpointSummary[]> {
  return Promise.all(
    records.map(async (record) => {
      const present = containers.find((container) => containerName(container) === record.container);
      return summaryOf(record, present !== undefined && !(await store.belongs(record, present.Id)));
    }),
  );
}

/** A checkpoint belongs to the container that it was taken of, also after that container got another id. @throws foreign-checkpoint */
export async function refuseForeign(
  store: CheckpointStore,
  { record }: CheckpointSource,
  container: ContainerInspect,
): Promise<void> {
  if (await store.belongs(record, container.Id)) return;
  const { name, containerId } = record;
  const owner = containerName(container);
  throw new GodwitError(
    "foreign-checkpoint",
    `Checkpoint '${name}' was taken of another container '${owner}' (${containerId.slice(0, 12)}), not of the present one (${container.Id.slice(0, 12)}).`,
    {
      hint: `Run it beside the present one with: godwit clone ${owner}@${name} NEW. Or run it in place of the present one with --foreign.`,
    },
  );
}
