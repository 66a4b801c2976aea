import { GodwitError } from "../../contract/errors.ts";
import { containerName, describe } from "../../host/container/facts.ts";
import { copyLogs } from "../../host/container/logs/logs.ts";
import { type CreateBody, createBody } from "../../host/engine/create/create-body.ts";
import { refusesAddress } from "../../host/engine/engine.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { Host } from "../../host/host.ts";
import { hookName } from "../../host/paths.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { PreparedRecord, RecoveryRecord, RecoveryState } from "../recovery/recovery-record.ts";

/**
 * Prepares a stopped container as it is, if its runtime is the hook. A container with --rm cannot be used again: Docker removes it
 * when it ends.
 * @returns its id, or undefined if another container must be created
 */
export async function prepareInPlace(
  host: Host,
  container: ContainerInspect,
  recovery: RecoveryRecord,
): Promise<string | undefined> {
  if (container.HostConfig.Runtime !== hookName || container.HostConfig.AutoRemove) return undefined;
  const name = containerName(container);
  const policy = policyToHold(container);
  recovery.save({
    prepared: { name, transientName: name, id: container.Id, made: false, original: null, policy, volumes: [] },
  });
  await holdRestartPolicy(host, container.Id, policy);
  return container.Id;
}

/**
 * Creates a container under the hook, with everything that another one has, to replace that one. The other one keeps its name and
 * keeps running if it runs. It has no restart policy meanwhile.
 * @returns its id, and the networks in which it asks for the address of the other one
 */
export async function prepareBeside(
  host: Host,
  container: ContainerInspect,
  imageRef: string,
  recovery: RecoveryRecord,
  context: OperationContext,
): Promise<{ id: string; keptNetworks: string[] }> {
  const name = containerName(container);
  const policy = policyToHold(container);
  // The ports that the other one has now are free when the new one starts.
  const keepPorts = container.State.Running ? describe(container).ports.filter(({ chosen }) => chosen) : [];
  const request = (keepAddress: string[]) =>
    createBody(container, { runtime: hookName, imageRef, keepAddress, keepPorts });
  if (request([]).autoRemove)
    context.warn(`Container '${name}' was started with --rm. From now on it stays when it ends.`, `docker rm ${name}`);
  const transientName = `${name}.godwit-${context.id}`;
  const prepared = { name, transientName, id: null, made: true, original: container.Id, policy, volumes: [] };
  recovery.save({ prepared });
  await holdRestartPolicy(host, container.Id, policy);
  const networks = container.State.Running ? Object.keys(container.NetworkSettings.Networks ?? {}) : [];
  return createKeeping(networks, (kept) => create(host, prepared, request(kept).body, recovery), context);
}

/** Creates it with its addresses in all networks that accept a chosen address. Docker refuses such an address only on creation. */
async function createKeeping(
  networks: string[],
  make: (keepAddress: string[]) => Promise<string>,
  context: OperationContext,
): Promise<{ id: string; keptNetworks: string[] }> {
  try {
    return { id: await make(networks), keptNetworks: networks };
  } catch (error) {
    const refusing = networks.filter((network) => refusesAddress(error, network));
    if (refusing.length === 0) throw error;
    for (const network of refusing)
      context.warn(`Docker chooses the address in the network '${network}', which was made without --subnet.`);
    return createKeeping(
      networks.filter((network) => !refusing.includes(network)),
      make,
      context,
    );
  }
}

/**
 * Creates a container from the description of another one: of a removed one, or as a copy with another name.
 * @returns its id
 */
export async function prepareNew(
  host: Host,
  name: string,
  inspect: unknown,
  recovery: RecoveryRecord,
  options: { fresh: boolean; imageRef: string; volumeRenames?: Record<string, string> },
): Promise<string> {
  const { volumeRenames = {} } = options;
  const { body, restartPolicy } = createBody(inspect, { runtime: hookName, ...options });
  for (const volume of Object.values(volumeRenames)) {
    if (!(await host.engine.volume(volume))) continue;
    throw new GodwitError("name-taken", `${host.name} already has a volume named '${volume}'.`, {
      hint: `Choose another name for the container, or remove the volume if nobody needs it: docker volume rm ${volume}`,
    });
  }
  const volumes = Object.values(volumeRenames);
  const prepared = { name, transientName: name, id: null, made: true, original: null, policy: restartPolicy, volumes };
  recovery.save({ prepared });
  return create(host, prepared, body, recovery);
}

async function create(
  host: Host,
  prepared: PreparedRecord,
  body: CreateBody,
  recovery: RecoveryRecord,
): Promise<string> {
  const id = await host.engine.create(prepared.transientName, body);
  recovery.save({ prepared: { ...prepared, id } });
  return id;
}

/** Call it when the prepared container runs with all its memory: it replaces the original, which is removed. Harmless the second time. */
export async function keepPrepared(host: Host, { id, name, original, policy }: PreparedRecord): Promise<void> {
  if (original) {
    await host.engine.killAndWait(original);
    // By force: without it, Docker refuses if somebody restarted the original meanwhile. The new container needs its name.
    await host.engine.remove(original, { force: true });
  }
  const found = id ? await host.engine.find(id) : undefined;
  if (!found) return;
  if (containerName(found) !== name) await host.engine.rename(found.Id, name);
  await restoreRestartPolicy(host, found.Id, policy);
}

/** Call it when the prepared container does not run: when this returns, nothing of it is left or runs. Harmless the second time. */
export async function undoPrepared(host: Host, prepared: PreparedRecord, startedAt: string): Promise<void> {
  const id = await madeContainer(host, prepared, startedAt);
  if (id && prepared.made) await host.engine.remove(id, { force: true });
  if (id && !prepared.made) {
    await host.engine.killAndWait(id);
    await restoreRestartPolicy(host, id, prepared.policy);
  }
  for (const volume of prepared.volumes) await host.engine.removeVolume(volume);
  if (prepared.original) await restoreRestartPolicy(host, prepared.original, prepared.policy);
}

/** Id of the prepared container. After its creation and before its id is noted, only its name and age identify it. */
export async function madeContainer(
  host: Host,
  prepared: PreparedRecord,
  startedAt: RecoveryState["startedAt"],
): Promise<string | undefined> {
  if (prepared.id) return prepared.id;
  const found = await host.engine.find(prepared.transientName);
  if (!found || found.Id === prepared.original || found.HostConfig.Runtime !== hookName) return undefined;
  return found.State.Status === "created" && found.Created >= startedAt ? found.Id : undefined;
}

/** Copies the log to the container's new id. Call it while the original stands still and before the new container starts. */
export async function copyLogsTo(host: Host, from: ContainerInspect, id: string): Promise<void> {
  if (from.Id !== id) await copyLogs(from, await host.engine.inspect(id), await host.dockerRoot());
}

/** The restart policy to restore later; null if Docker would not start the container again when it ends. */
export function policyToHold({ HostConfig }: ContainerInspect): PreparedRecord["policy"] {
  const policy = HostConfig.RestartPolicy;
  return HostConfig.AutoRemove || !policy?.Name || policy.Name === "no" ? null : policy;
}

export async function holdRestartPolicy(host: Host, id: string, policy: PreparedRecord["policy"]): Promise<void> {
  if (policy) await host.engine.setRestartPolicy(id, { Name: "no" });
}

/** Harmless if the container is gone. */
export async function restoreRestartPolicy(host: Host, id: string, policy: PreparedRecord["policy"]): Promise<void> {
  if (policy && (await host.engine.find(id))) await host.engine.setRestartPolicy(id, policy);
}
