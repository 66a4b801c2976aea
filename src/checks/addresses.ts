import { isIPv6 } from "node:net";
import { isUserNetwork, type TcpChoice } from "../contract/attachments.ts";
import { createSource, type EndpointSource } from "../contract/create-source.ts";
import type { ContainerFacts } from "../contract/facts.ts";

/** Networks in which a container is itself a neighbour on the hosts' LAN: its address means the same on every host. */
const lanDrivers = ["macvlan", "ipvlan"];

export interface WantedAddress {
  network: string;
  /** IPv4 or IPv6. */
  address: string;
}

/** Networks in which the container asks for the addresses that it has now. */
export function keptNetworks(container: ContainerFacts, tcp: TcpChoice): string[] {
  if (tcp === "close") return [];
  const ofLan = new Set(
    container.networkFacts.filter(({ driver }) => lanDrivers.includes(driver)).map(({ name }) => name),
  );
  return container.networks.filter((network) => isUserNetwork(network) && (tcp === "keep" || ofLan.has(network)));
}

/** Addresses that it will ask for: those that its user fixed, and those of this instant where they are kept. */
export function wantedAddresses(container: ContainerFacts, tcp: TcpChoice): WantedAddress[] {
  const kept = keptNetworks(container, tcp);
  return Object.entries(endpointsOf(container)).flatMap(([network, endpoint]) => {
    const { IPAMConfig: fixed, IPAddress, GlobalIPv6Address } = endpoint;
    const own = kept.includes(network) ? [IPAddress, GlobalIPv6Address] : [];
    const all = [fixed?.IPv4Address, fixed?.IPv6Address, ...own].filter((address) => typeof address === "string");
    return [...new Set(all.filter((address) => address !== ""))].map((address) => ({ network, address }));
  });
}

/**
 * Whether established connections continue. They cannot where the container gets another address. A container without a network has
 * connections to itself only.
 */
export function keepsConnections(container: ContainerFacts, tcp: TcpChoice): boolean {
  if (tcp !== "auto") return tcp === "keep";
  if (container.networkMode === "none") return true;
  const wanted = wantedAddresses(container, tcp).filter(({ address }) => !isIPv6(address));
  const { networks } = container;
  return networks.length > 0 && networks.every((name) => wanted.some(({ network }) => network === name));
}

function endpointsOf({ inspect }: ContainerFacts): Record<string, EndpointSource> {
  return createSource.safeParse(inspect).data?.NetworkSettings.Networks ?? {};
}
