import { GodwitError } from "../contract/errors.ts";
import { containerName } from "../host/container/facts.ts";
import { copyLogs } from "../host/container/logs.ts";
import { createBody } from "../host/docker/create-body.ts";
import type { ContainerInspect } from "../host/docker/inspect.ts";
import type { Host } from "../host/host.ts";
import { hookName } from "../host/paths.ts";
import type { OperationContext } from "../journal/operation-context.ts";
import type { PreparedRecord, Unfinished, UnfinishedRecord } from "./unfinished.ts";

/**
 * The container itself where its runtime is the hook; otherwise a new one under the hook, with everything it had. So also for
 * a container with --rm, which Docker removes when it ends. The original may still run; it holds no restart policy meanwhile.
 * @returns the id of the container that a checkpoint can be run in
 */
export async function prepareInPlace(
  host: Host,
  container: ContainerInspect,
  unfinished: Unfinished,
  context: OperationContext,
): Promise<string> {
  const name = containerName(container);
  const policy = policyToHold(container);
  if (container.HostConfig.Runtime === hookName && !container.HostConfig.AutoRemove) {
    unfinished.save({ prepared: { name, id: container.Id, made: false, original: null, policy, volumes: [] } });
    await holdPolicy(host, container.Id, policy);
    return container.Id;
  }
  const { body, autoRemove } = createBody(container, { runtime: hookName });
  if (autoRemove)
    context.warn(
      `Container '${name}' was started with --rm; it is kept when it ends from now on.`,
      `docker rm ${name}`,
    );
  const prepared = { name, id: null, made: true, original: container.Id, policy, volumes: [] };
  unfinished.save({ prepared });
  await holdPolicy(host, container.Id, policy);
  await host.docker.rename(container.Id, `${name}.before-godwit-${container.Id.slice(0, 6)}`);
  const id = await host.docker.create(name, body);
  unfinished.save({ prepared: { ...prepared, id } });
  return id;
}

/**
 * A new container after the description of another: one that was removed meanwhile, or a copy under another name.
 * @returns its id
 */
export async function prepareNew(
  host: Host,
  name: string,
  inspect: unknown,
  unfinished: Unfinished,
  options: { fresh: boolean; imageRef: string; volumeRenames?: Record<string, string> },
): Promise<string> {
  const { body, restartPolicy } = createBody(inspect, {
    runtime: hookName,
    fresh: options.fresh,
    imageRef: options.imageRef,
    ...(options.volumeRenames ? { volumeRenames: options.volumeRenames } : {}),
  });
  for (const volume of Object.values(options.volumeRenames ?? {})) {
    if (!(await host.docker.volume(volume))) continue;
    throw new GodwitError("name-taken", `A volume named '${volume}' exists already on ${host.name}.`, {
      hint: `Choose another name for the container, or remove it if nothing in it is needed: docker volume rm ${volume}`,
    });
  }
  const prepared = {
    ...{ name, id: null, made: true, original: null, policy: restartPolicy },
    volumes: Object.values(options.volumeRenames ?? {}),
  };
  unfinished.save({ prepared });
  const id = await host.docker.create(name, body);
  unfinished.save({ prepared: { ...prepared, id } });
  return id;
}

/** To be called once it runs: gives the restart policy back, and removes what it replaced. Harmless the second time. */
export async function keepPrepared(host: Host, prepared: PreparedRecord): Promise<void> {
  if (prepared.original) await host.docker.remove(prepared.original);
  if (prepared.id) await givePolicy(host, prepared.id, prepared.policy);
}

/** To be called if it does not come to run: everything is again as it was. Harmless the second time. */
export async function undoPrepared(host: Host, prepared: PreparedRecord, startedAt: string): Promise<void> {
  const id = await madeContainer(host, prepared, startedAt);
  if (prepared.made) {
    if (id) await host.docker.remove(id, { force: true });
    for (const volume of prepared.volumes) await host.docker.removeVolume(volume);
  }
  const original = prepared.original && (await host.docker.find(prepared.original));
  if (original && containerName(original) !== prepared.name) await host.docker.rename(original.Id, prepared.name);
  if (original) await givePolicy(host, original.Id, prepared.policy);
  if (!prepared.made && prepared.id) await givePolicy(host, prepared.id, prepared.policy);
}

/** Id of the container that was prepared. Between its creation and the note of its id only its name and age tell. */
export async function madeContainer(
  host: Host,
  prepared: PreparedRecord,
  startedAt: UnfinishedRecord["startedAt"],
): Promise<string | undefined> {
  if (prepared.id) return prepared.id;
  const found = await host.docker.find(prepared.name);
  if (!found || found.Id === prepared.original || found.HostConfig.Runtime !== hookName) return undefined;
  return found.State.Status === "created" && found.Created >= startedAt ? found.Id : undefined;
}

/** The log goes with the container to its new id. Called when the original has ended and the new one has not begun. */
export async function carryLogs(host: Host, from: ContainerInspect, id: string): Promise<void> {
  if (from.Id !== id) await copyLogs(from, await host.docker.inspect(id), await host.dockerRoot());
}

/** What is to be given back later, where Docker would otherwise start the container anew when it ends. */
export function policyToHold({ HostConfig }: ContainerInspect): PreparedRecord["policy"] {
  const policy = HostConfig.RestartPolicy;
  return HostConfig.AutoRemove || !policy?.Name || policy.Name === "no" ? null : policy;
}

export async function holdPolicy(host: Host, id: string, policy: PreparedRecord["policy"]): Promise<void> {
  if (policy) await host.docker.setRestartPolicy(id, { Name: "no" });
}

/** Harmless where the container is gone. */
export async function givePolicy(host: Host, id: string, policy: PreparedRecord["policy"]): Promise<void> {
  if (policy && (await host.docker.find(id))) await host.docker.setRestartPolicy(id, policy);
}
