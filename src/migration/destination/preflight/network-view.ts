import { BlockList, isIPv6 } from "node:net";
import { type WantedAddress, wantedAddresses } from "../../../checks/addresses.ts";
import type { NetworkFacts, TcpChoice } from "../../../contract/attachments.ts";
import type { ContainerFacts, DestinationView } from "../../../contract/facts.ts";
import type { Engine, FoundNetwork } from "../../../host/engine/engine.ts";

type NetworkView = Pick<DestinationView, "networksMissing" | "networksDifferent" | "addressesRefused">;

/** What a container that may come finds of its networks on this host. */
export async function networkView(engine: Engine, container: ContainerFacts, tcp: TcpChoice): Promise<NetworkView> {
  const found = new Map<string, FoundNetwork>();
  for (const name of container.networks) {
    const network = await engine.findNetwork(name);
    if (network) found.set(name, network);
  }
  return {
    networksMissing: container.networks.filter((name) => !found.has(name)),
    networksDifferent: container.networkFacts.flatMap((there) => {
      const here = found.get(there.name);
      const what = here && difference(here.facts, there);
      return what ? [{ name: there.name, what }] : [];
    }),
    addressesRefused: wantedAddresses(container, tcp).flatMap((wanted) => {
      const network = found.get(wanted.network);
      return network ? refusedBy(network, wanted) : [];
    }),
  };
}

function difference(here: NetworkFacts, there: NetworkFacts): string | undefined {
  if (here.driver !== there.driver) return `driver ${here.driver} here, ${there.driver} on the source`;
  const [ours, theirs] = [subnetsOf(here), subnetsOf(there)].map((all) => all.sort().join(", ") || "none");
  return ours === theirs ? undefined : `subnet ${ours} here, ${theirs} on the source`;
}

const subnetsOf = ({ ipam }: NetworkFacts) => ipam.config.map(({ Subnet }) => String(Subnet ?? "")).filter(Boolean);

function refusedBy({ facts, users }: FoundNetwork, wanted: WantedAddress): NetworkView["addressesRefused"] {
  const { network, address } = wanted;
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  const subnets = new BlockList();
  for (const subnet of subnetsOf(facts)) {
    const [base = "", length] = subnet.split("/");
    subnets.addSubnet(base, Number(length), isIPv6(base) ? "ipv6" : "ipv4");
  }
  if (!subnets.check(address, family)) return [{ network, address, by: null }];
  const owner = users.find((user) =>
    [user.IPv4Address, user.IPv6Address].some((own) => own?.split("/")[0] === address),
  );
  return owner ? [{ network, address, by: owner.Name }] : [];
}
