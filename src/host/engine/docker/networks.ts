import type { NetworkFacts } from "../../../contract/attachments.ts";
import { AddressRefused, type EngineNetworks, type NetworkUser } from "../engine.ts";
import { api } from "./api-path.ts";
import { type DockerClient, DockerRefusal, ignoreStatus } from "./client.ts";

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

export function dockerNetworks(client: DockerClient): EngineNetworks {
  return {
    async findNetwork(name) {
      const found = await client.find<InspectedNetwork>(api`/networks/${name}`);
      // Docker finds one by the beginning of its id as well.
      if (found?.Name !== name) return undefined;
      return { facts: factsOf(found), users: Object.values(found.Containers ?? {}) };
    },
    async createNetwork({ name, driver, internal, attachable, ipv6, ipam, options, labels }) {
      await client.post(api`/networks/create`, {
        body: {
          ...{ Name: name, Driver: driver, Internal: internal, Attachable: attachable, EnableIPv6: ipv6 },
          ...{ Options: options, Labels: labels },
          IPAM: { Driver: ipam.driver, Options: ipam.options, Config: ipam.config },
        },
      });
    },
    async removeNetwork(name) {
      await client.delete(api`/networks/${name}`).catch(ignoreStatus(404));
    },
    async connectNetwork(network, container, endpoint) {
      const body = { Container: container, EndpointConfig: endpoint };
      await client.post(api`/networks/${network}/connect`, { body }).catch((error) => {
        throw toldAddressRefusal(error);
      });
    },
    async disconnectNetwork(network, container) {
      const body = { Container: container };
      await client.post(api`/networks/${network}/disconnect`, { body }).catch((error) => {
        if (!isNotConnected(error)) ignoreStatus(404)(error);
      });
    },
  };
}

/** Docker says so also of a network that does not exist, and has no status of its own for it. */
const isNotConnected = (error: unknown): boolean =>
  error instanceof DockerRefusal && error.message.includes("is not connected to the network");

/**
 * The error, as AddressRefused where it is one. Docker says "invalid config for network NAME: ... user specified IP address is
 * supported only when connecting to networks with user configured subnets". Where it names no network, any of them may refuse.
 */
export function toldAddressRefusal(error: unknown): unknown {
  if (!(error instanceof DockerRefusal && /user[ -]configured subnet/.test(error.message))) return error;
  return new AddressRefused(error.message, /config for network ([^\s:]+):/.exec(error.message)?.[1], error);
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
