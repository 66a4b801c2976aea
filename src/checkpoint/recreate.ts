import { containerName } from "../host/container/facts.ts";
import { copyLogs } from "../host/container/logs.ts";
import { createBody } from "../host/docker/create-body.ts";
import type { ContainerInspect } from "../host/docker/inspect.ts";
import type { Host } from "../host/host.ts";
import { hookName } from "../host/paths.ts";
import type { OperationContext } from "../journal/operation-context.ts";

/** A container that a checkpoint can be run in: its runtime is the hook, and its restart policy is held. */
export interface Prepared {
  id: string;
  /** To be called once it runs: gives the restart policy back, and removes what it replaced. */
  keep(): Promise<void>;
  /** To be called if it does not come to run: everything is again as it was. */
  undo(): Promise<void>;
}

/**
 * The container itself where its runtime is the hook; otherwise a new one under the hook, with everything it had. So also for
 * a container with --rm, which Docker removes when it ends. The original may still run; it holds no restart policy meanwhile.
 */
export async function prepareInPlace(
  host: Host,
  container: ContainerInspect,
  context: OperationContext,
): Promise<Prepared> {
  const giveBackPolicy = await holdRestartPolicy(host, container);
  if (container.HostConfig.Runtime === hookName && !container.HostConfig.AutoRemove) {
    return { id: container.Id, keep: giveBackPolicy, undo: giveBackPolicy };
  }
  const name = containerName(container);
  const { body, restartPolicy, autoRemove } = createBody(container, { runtime: hookName });
  if (autoRemove)
    context.warn(
      `Container '${name}' was started with --rm; it is kept when it ends from now on.`,
      `docker rm ${name}`,
    );
  await host.docker.rename(container.Id, `${name}.before-godwit-${container.Id.slice(0, 6)}`);
  const undoRename = async () => {
    await host.docker.rename(container.Id, name);
    await giveBackPolicy();
  };
  const id = await host.docker.create(name, body).catch(async (error) => {
    await undoRename();
    throw error;
  });
  return {
    id,
    async keep() {
      await host.docker.remove(container.Id);
      await host.docker.setRestartPolicy(id, restartPolicy);
    },
    async undo() {
      await host.docker.remove(id, { force: true });
      await undoRename();
    },
  };
}

/** A new container after the description of another: one that was removed meanwhile, or a copy under another name. */
export async function prepareNew(
  host: Host,
  name: string,
  inspect: unknown,
  options: { fresh: boolean; imageRef: string; volumeRenames?: Record<string, string> },
): Promise<Prepared> {
  const { body, restartPolicy } = createBody(inspect, {
    runtime: hookName,
    fresh: options.fresh,
    imageRef: options.imageRef,
    ...(options.volumeRenames ? { volumeRenames: options.volumeRenames } : {}),
  });
  const id = await host.docker.create(name, body);
  return {
    id,
    keep: () => host.docker.setRestartPolicy(id, restartPolicy),
    async undo() {
      await host.docker.remove(id, { force: true });
      for (const volume of Object.values(options.volumeRenames ?? {})) await host.docker.removeVolume(volume);
    },
  };
}

/** The log goes with the container to its new id. Called when the original has ended and the new one has not begun. */
export async function carryLogs(host: Host, from: ContainerInspect, id: string): Promise<void> {
  if (from.Id !== id) await copyLogs(from, await host.docker.inspect(id), await host.dockerRoot());
}

/** Keeps Docker from starting it anew when it ends. Gives back what takes the hold off; harmless where it is gone. */
export async function holdRestartPolicy(host: Host, container: ContainerInspect): Promise<() => Promise<void>> {
  const policy = container.HostConfig.RestartPolicy;
  if (container.HostConfig.AutoRemove || !policy?.Name || policy.Name === "no") return async () => {};
  await host.docker.setRestartPolicy(container.Id, { Name: "no" });
  return async () => {
    if (await host.docker.find(container.Id)) await host.docker.setRestartPolicy(container.Id, policy);
  };
}
