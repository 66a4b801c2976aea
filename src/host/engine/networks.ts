import type { NetworkFacts } from "../../contract/attachments.ts";
import { api } from "./api-path.ts";
import { DockerRefusal, ignoreStatus } from "./client.ts";
import type { Docker } from "./docker.ts";

/** An endpoint of a running container of this host; addresses with their prefix length, `10.0.0.2/24`. */
export interface NetworkUser {
  Name: string;
  IPv4Address?: string;
  IPv6Address?: string;
}

interface InspectedNetwork {
  Name: string;
  Driver: string;
  Scope: string;
  Internal: boolean;
  Attachable: boolean;
  EnableIPv6: boolean;
  IPAM?: { Driver?: string; Options?: Record<string, string> | null; Config?: Record<string, unknown>[] | null };
  Options?: Record<string, string> | null;
  Labels?: Record<string, string> | null;
  Containers?: Record<string, NetworkUser> | null;
}

export interface FoundNetwork {
  facts: NetworkFacts;
  users: NetworkUser[];
}

/** Undefined where there is none of that name. */
export async function findNetwork({ client }: Docker, name: string): Promise<FoundNetwork | undefined> {
  try {
    const found = await client.get<InspectedNetwork>(api`/networks/${name}`);
    // Docker finds one by the beginning of its id as well.
    if (found.Name !== name) return undefined;
    return { facts: factsOf(found), users: Object.values(found.Containers ?? {}) };
  } catch (error) {
    ignoreStatus(404)(error);
    return undefined;
  }
}

/** @throws docker-failed, for instance where the subnet overlaps with another's */
export async function createNetwork({ client }: Docker, network: NetworkFacts): Promise<void> {
  const { name, driver, internal, attachable, ipv6, ipam, options, labels } = network;
  await client.post(api`/networks/create`, {
    body: {
      ...{ Name: name, Driver: driver, Internal: internal, Attachable: attachable, EnableIPv6: ipv6 },
      ...{ Options: options, Labels: labels },
      IPAM: { Driver: ipam.driver, Options: ipam.options, Config: ipam.config },
    },
  });
}

/** Harmless where it is gone. Docker refuses while a container uses it. */
export async function removeNetwork({ client }: Docker, name: string): Promise<void> {
  await client.delete(api`/networks/${name}`).catch(ignoreStatus(404));
}

/** Harmless where it is not connected, or gone. */
export async function disconnectNetwork({ client }: Docker, network: string, container: string): Promise<void> {
  await client.post(api`/networks/${network}/disconnect`, { body: { Container: container } }).catch(ignoreStatus(404));
}

/**
 * Whether Docker refused an address of one's choice in this network, whose subnet it chose itself. It says "invalid config for
 * network NAME: ... user specified IP address is supported only when connecting to networks with user configured subnets".
 */
export const refusesAddress = (error: unknown, network: string): boolean =>
  error instanceof DockerRefusal &&
  /user[ -]configured subnet/.test(error.message) &&
  (error.message.includes(`network ${network}:`) || !/config for network/.test(error.message));

/** `endpoint` as in the request that creates a container. @throws docker-failed, for instance where its address is taken */
export async function connectNetwork(
  { client }: Docker,
  network: string,
  container: string,
  endpoint: object,
): Promise<void> {
  const body = { Container: container, EndpointConfig: endpoint };
  await client.post(api`/networks/${network}/connect`, { body });
}

function factsOf(found: InspectedNetwork): NetworkFacts {
  return {
    name: found.Name,
    driver: found.Driver,
    scope: found.Scope,
    internal: found.Internal,
    attachable: found.Attachable,
    ipv6: found.EnableIPv6,
    ipam: {
      driver: found.IPAM?.Driver ?? "default",
      options: found.IPAM?.Options ?? {},
      config: found.IPAM?.Config ?? [],
    },
    options: found.Options ?? {},
    labels: found.Labels ?? {},
  };
}
