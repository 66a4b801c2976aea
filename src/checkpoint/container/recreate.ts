import { GodwitError } from "../../contract/errors.ts";
import { containerName, describe } from "../../host/container/facts.ts";
import { copyLogs } from "../../host/container/logs.ts";
import { createBody } from "../../host/engine/create/create-body.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import { refusesAddress } from "../../host/engine/networks.ts";
import type { Host } from "../../host/host.ts";
import { hookName } from "../../host/paths.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { PreparedRecord, RecoveryRecord, RecoveryState } from "../recovery/recovery-record.ts";

/**
 * A stopped container whose runtime is the hook, as it is. Docker removes one with --rm when it ends: that one is no such container.
 * @returns its id, or undefined where another one must be made
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
 * A new container under the hook, with everything that another one has, to take its place. The other one keeps its name and goes
 * on running if it runs; it holds no restart policy meanwhile.
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
  // What it has now is free by the time that the new one starts.
  const keepPorts = container.State.Running ? describe(container).ports.filter(({ chosen }) => chosen) : [];
  const request = (keepAddress: string[]) =>
    createBody(container, { runtime: hookName, imageRef, keepAddress, keepPorts });
  if (request([]).autoRemove)
    context.warn(
      `Container '${name}' was started with --rm; it is kept when it ends from now on.`,
      `docker rm ${name}`,
    );
  const transientName = `${name}.godwit-${context.id}`;
  const prepared = { name, transientName, id: null, made: true, original: container.Id, policy, volumes: [] };
  recovery.save({ prepared });
  await holdRestartPolicy(host, container.Id, policy);
  const networks = container.State.Running ? Object.keys(container.NetworkSettings.Networks ?? {}) : [];
  return createKeeping(networks, (kept) => create(host, prepared, request(kept).body, recovery), context);
}

/** With its addresses in all these networks, but those that take none of one's choice: Docker tells only when it is asked. */
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
 * A new container after the description of another: one that was removed meanwhile, or a copy under another name.
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
    if (!(await host.docker.volume(volume))) continue;
    throw new GodwitError("name-taken", `A volume named '${volume}' exists already on ${host.name}.`, {
      hint: `Choose another name for the container, or remove it if nothing in it is needed: docker volume rm ${volume}`,
    });
  }
  const volumes = Object.values(volumeRenames);
  const prepared = { name, transientName: name, id: null, made: true, original: null, policy: restartPolicy, volumes };
  recovery.save({ prepared });
  return create(host, prepared, body, recovery);
}

async function create(host: Host, prepared: PreparedRecord, body: unknown, recovery: RecoveryRecord): Promise<string> {
  const id = await host.docker.create(prepared.transientName, body);
  recovery.save({ prepared: { ...prepared, id } });
  return id;
}

/** To be called once it runs with all its memory: it takes the place of the original, which goes. Harmless the second time. */
export async function keepPrepared(host: Host, { id, name, original, policy }: PreparedRecord): Promise<void> {
  if (original) {
    await host.docker.killAndWait(original);
    // By force: Docker removes none that was restarted meanwhile, and the new container needs its name.
    await host.docker.remove(original, { force: true });
  }
  const found = id ? await host.docker.find(id) : undefined;
  if (!found) return;
  if (containerName(found) !== name) await host.docker.rename(found.Id, name);
  await restoreRestartPolicy(host, found.Id, policy);
}

/** To be called if it does not come to run: nothing of it is left, or runs, when this returns. Harmless the second time. */
export async function undoPrepared(host: Host, prepared: PreparedRecord, startedAt: string): Promise<void> {
  const id = await madeContainer(host, prepared, startedAt);
  if (id && prepared.made) await host.docker.remove(id, { force: true });
  if (id && !prepared.made) {
    await host.docker.killAndWait(id);
    await restoreRestartPolicy(host, id, prepared.policy);
  }
  for (const volume of prepared.volumes) await host.docker.removeVolume(volume);
  if (prepared.original) await restoreRestartPolicy(host, prepared.original, prepared.policy);
}

/** Id of the container that was prepared. Between its creation and the note of its id only its name and age tell. */
export async function madeContainer(
  host: Host,
  prepared: PreparedRecord,
  startedAt: RecoveryState["startedAt"],
): Promise<string | undefined> {
  if (prepared.id) return prepared.id;
  const found = await host.docker.find(prepared.transientName);
  if (!found || found.Id === prepared.original || found.HostConfig.Runtime !== hookName) return undefined;
  return found.State.Status === "created" && found.Created >= startedAt ? found.Id : undefined;
}

/** The log goes with the container to its new id. Called while the original stands still and the new one has not begun. */
export async function copyLogsTo(host: Host, from: ContainerInspect, id: string): Promise<void> {
  if (from.Id !== id) await copyLogs(from, await host.docker.inspect(id), await host.dockerRoot());
}

/** What is to be given back later, where Docker would otherwise start the container anew when it ends. */
export function policyToHold({ HostConfig }: ContainerInspect): PreparedRecord["policy"] {
  const policy = HostConfig.RestartPolicy;
  return HostConfig.AutoRemove || !policy?.Name || policy.Name === "no" ? null : policy;
}

export async function holdRestartPolicy(host: Host, id: string, policy: PreparedRecord["policy"]): Promise<void> {
  if (policy) await host.docker.setRestartPolicy(id, { Name: "no" });
}

/** Harmless where the container is gone. */
export async function restoreRestartPolicy(host: Host, id: string, policy: PreparedRecord["policy"]): Promise<void> {
  if (policy && (await host.docker.find(id))) await host.docker.setRestartPolicy(id, policy);
}
