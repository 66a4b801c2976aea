import { GodwitError } from "../contract/errors.ts";
import type { RunResult } from "../contract/routes.ts";
import { freeze } from "../host/cgroup/freezer.ts";
import { containerName, fileTrees } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { Host } from "../host/host.ts";
import { runcContainer } from "../host/runtime/runc.ts";
import type { OperationContext } from "../operations/operation-context.ts";
import { imageOf } from "./container/image.ts";
import { detach } from "./container/networks.ts";
import { copyLogsTo, prepareBeside } from "./container/recreate.ts";
import { type CheckpointSource, restoreFrom, savedTrees, stageFor, verifySource } from "./container/restore-from.ts";
import { refuseSharedVolumes, savedVolumes } from "./container/shared-volumes.ts";
import { stageTrees } from "./container/staged-trees.ts";
import type { CheckpointDeps } from "./deps.ts";
import { finish, withRecovery } from "./recovery/with-recovery.ts";

/** Bytes that a restore needs in addition to the memory of the container. */
const restoreOverhead = 64 * 2 ** 20;

/**
 * Takes a running container back to a checkpoint, memory and files. The checkpoint runs in a new container. The original stays frozen,
 * with its memory, files and networks, until the new container runs with all its memory; only then it ends.
 * On failure the original keeps running as it was.
 */
export async function rollbackContainer(
  deps: CheckpointDeps,
  container: ContainerInspect,
  source: CheckpointSource,
  context: OperationContext,
): Promise<RunResult> {
  const { host, store } = deps;
  const { record } = source;
  const name = containerName(container);
  refuseHostNetwork(container);
  await refuseSharedVolumes(host.engine, record, savedVolumes(record), [container.Id]);
  await refuseLittleMemory(host, name, record.memoryBytes);
  const imageRef = await imageOf(host, record);
  await verifySource(source, context);
  const sentence = {
    failed: `'${name}' could not be rolled back to '${record.name}'`,
    left: "and keeps running as it was",
    hint: `List the other checkpoints with: godwit checkpoint ls ${name}`,
  };
  return withRecovery(deps, name, record.name, sentence, context, async (recovery) => {
    const running = await runcContainer(container.Id);
    // A checkpoint without files takes back the memory only; the files stay as they are.
    const own = record.trees.length === 0;
    const trees = own
      ? await fileTrees(host.engine, container, running.pid, await host.dockerRoot())
      : savedTrees(source);
    const { id, keptNetworks } = await prepareBeside(host, container, imageRef, recovery, context);
    // Noted before the container runs, because it can start to run after this agent has ended.
    await store.join(name, [record.containerId, container.Id], id);
    const swaps = await stageFor(host, id, trees, recovery, context);
    context.pointOfNoReturn();
    context.phase("switchover", "Freezing the container; the checkpoint runs in its place");
    recovery.save({ frozen: container.Id });
    const frozenAt = performance.now();
    await context.step("freeze", { switchover: true }, () => freeze(running));
    if (own) await context.step("copy changed files", { switchover: true }, () => stageTrees(swaps));
    await context.step("free its networks", { switchover: true }, () =>
      detach(host.engine, container, keptNetworks, recovery),
    );
    await copyLogsTo(host, container, id);
    const { drained } = await restoreFrom(host, id, source, swaps, recovery, context);
    const downtimeMs = Math.round(performance.now() - frozenAt);
    return finish(deps, recovery, { name, checkpoint: record.name, drained, downtimeMs }, context);
  });
}

/** The frozen original and the restored container cannot both hold ports and addresses of the host's own network. */
function refuseHostNetwork({ HostConfig, ...container }: ContainerInspect): void {
  if (HostConfig.NetworkMode !== "host") return;
  const name = containerName({ HostConfig, ...container } as ContainerInspect);
  throw new GodwitError(
    "unsupported-container",
    `'${name}' cannot be rolled back: it uses the host's network, and holds its ports until it has ended.`,
    { hint: `Stop it with a checkpoint, then restore the other checkpoint: godwit checkpoint create ${name} --stop` },
  );
}

/** The memory of the original and of the restored container exist at the same time. */
async function refuseLittleMemory(host: Host, name: string, bytes: number): Promise<void> {
  const { memory } = await host.facts();
  const needed = bytes + restoreOverhead;
  if (memory.availableBytes >= needed) return;
  const mebibytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MiB`;
  throw new GodwitError(
    "no-space",
    `'${name}' cannot be rolled back: it needs ${mebibytes(needed)} of memory beside the original, and ${host.name} has ${mebibytes(memory.availableBytes)} free.`,
    { hint: "Free memory, or stop the container and restore the checkpoint." },
  );
}
