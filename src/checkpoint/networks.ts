import { createBody } from "../host/docker/create-body.ts";
import type { Docker } from "../host/docker/docker.ts";
import type { ContainerInspect } from "../host/docker/inspect.ts";
import { connectNetwork, disconnectNetwork } from "../host/docker/networks.ts";
import type { Unfinished } from "./unfinished.ts";

/**
 * Takes a frozen container off its networks, so that another one can have its addresses and ports. It notices nothing: its
 * processes stand still, and its connections wait for the interfaces to be there again.
 */
export async function detach(docker: Docker, container: ContainerInspect, unfinished: Unfinished): Promise<void> {
  const networks = Object.keys(container.NetworkSettings.Networks ?? {});
  const { body } = createBody(container, { runtime: "", keepAddress: networks });
  const endpoints = Object.entries(body.NetworkingConfig.EndpointsConfig) as [string, Record<string, unknown>][];
  unfinished.save({ detached: endpoints.map(([network, endpoint]) => ({ network, endpoint })) });
  for (const [network] of endpoints) await disconnectNetwork(docker, network, container.Id);
}

/** The container is on its networks again, with the addresses that it had where the network lets it choose. Harmless the second time. */
export async function attach(docker: Docker, { record }: Unfinished): Promise<void> {
  const { frozen, detached } = record;
  const found = frozen && detached.length > 0 ? await docker.find(frozen) : undefined;
  if (!found?.State.Running) return;
  for (const { network, endpoint } of detached) {
    if (Object.hasOwn(found.NetworkSettings.Networks ?? {}, network)) continue;
    await connectNetwork(docker, network, found.Id, endpoint);
  }
}
