import type { CreateSource, EndpointSource } from "../../../contract/create-source.ts";

/** By name: a network's id is another one on another host. `default` is Docker's old word for `bridge`. */
export function networkModeOf({ HostConfig, NetworkSettings }: CreateSource): string {
  const mode = HostConfig.NetworkMode || "default";
  if (mode === "default") return "bridge";
  const networks = NetworkSettings.Networks ?? {};
  if (Object.hasOwn(networks, mode) || mode.startsWith("container:")) return mode;
  return Object.entries(networks).find(([, { NetworkID }]) => NetworkID?.startsWith(mode))?.[0] ?? mode;
}

/** A MAC address is kept only where it was configured: a generated one would be a duplicate as long as both containers are there. */
export function endpointsOf(
  container: CreateSource,
  { fresh, keepAddress }: { fresh: boolean; keepAddress: string[] },
): Record<string, unknown> {
  const main = networkModeOf(container);
  if (main === "none" || main === "host" || main.startsWith("container:")) return {};
  return Object.fromEntries(
    Object.entries(container.NetworkSettings.Networks ?? {}).map(([network, endpoint]) => {
      const configuredMac = network === main ? container.Config.MacAddress : undefined;
      const keeps = keepAddress.includes(network);
      const mac = keeps ? endpoint.MacAddress : configuredMac;
      return [
        network,
        {
          ...filled("Links", endpoint.Links),
          ...filled("DriverOpts", endpoint.DriverOpts),
          ...(endpoint.GwPriority ? { GwPriority: endpoint.GwPriority } : {}),
          ...(fresh
            ? {}
            : {
                ...filled("Aliases", aliasesOf(container, endpoint)),
                ...filled("IPAMConfig", keeps && network !== "bridge" ? addressOf(endpoint) : endpoint.IPAMConfig),
                ...(mac ? { MacAddress: mac } : {}),
              }),
        },
      ];
    }),
  );
}

/** Docker adds the short id by itself; the old one would name nothing. */
function aliasesOf({ Id }: CreateSource, { Aliases }: EndpointSource): string[] {
  return (Aliases ?? []).filter((alias) => alias !== Id.slice(0, 12));
}

/** Docker's default bridge takes no addresses; every other network of godwit's users has a subnet of its own. */
function addressOf({ IPAMConfig, IPAddress, GlobalIPv6Address }: EndpointSource): Record<string, unknown> {
  return {
    ...IPAMConfig,
    ...(IPAddress ? { IPv4Address: IPAddress } : {}),
    ...(GlobalIPv6Address ? { IPv6Address: GlobalIPv6Address } : {}),
  };
}

/** The field, unless it is null or empty. */
function filled(key: string, value: object | null | undefined): Record<string, unknown> {
  return value && Object.keys(value).length > 0 ? { [key]: value } : {};
}
