import type { Belongings, NetworkFacts } from "../contract/belongings.ts";
import type { ContainerFacts, DestinationView, Verdict } from "../contract/facts.ts";
import { isUserNetwork } from "../host/engine/engine.ts";
import { keepsConnections, wantedAddresses } from "./addresses.ts";
import { fail, ok, warn } from "./verdict.ts";

/** Whether the container finds its networks, its addresses and its ports on the destination. */
export function networkChecks(container: ContainerFacts, view: DestinationView, choices: Belongings): Verdict[] {
  return [
    ...ports(container, view),
    ...networks(container, view, choices),
    ...differences(view),
    ...addresses(view),
    ...connections(container, choices),
  ];
}

function ports(container: ContainerFacts, { portsTaken }: DestinationView): Verdict[] {
  const published = (chosen: boolean) =>
    new Set(container.ports.filter((port) => port.chosen === chosen).map(({ hostPort }) => hostPort));
  const [asked, chosen] = [published(false), published(true)];
  const elsewhere = portsTaken.filter(({ port }) => chosen.has(port) && !asked.has(port));
  const taken = portsTaken.filter((port) => !elsewhere.includes(port));
  const found: Verdict[] = [];
  const [first] = taken;
  if (first) {
    const kind = first.protocol === "udp" ? "-lnup" : "-lntp";
    found.push(
      fail(
        "ports",
        "preflight-failed",
        `published ${named(taken)} in use already`,
        `stop what listens there: ss ${kind} 'sport = :${first.port}'`,
      ),
    );
  }
  if (elsewhere.length > 0) {
    found.push(
      warn(
        "ports",
        `published ${named(elsewhere)} in use already; Docker chose it, and will choose another one`,
        `see it after the move: docker port ${container.name}`,
      ),
    );
  }
  if (found.length > 0) return found;
  const free = [...asked, ...chosen];
  return free.length > 0 ? [ok("ports", `published ports free: ${free.join(", ")}`)] : [];
}

function named(ports: DestinationView["portsTaken"]): string {
  return `port${ports.length > 1 ? "s" : ""} ${ports.map(({ port, protocol }) => `${port}/${protocol}`).join(", ")}`;
}

/** What Docker makes on one host alone: a network of a cluster comes from its managers. */
const canBeMade = ({ scope }: NetworkFacts) => scope === "local";

function networks(container: ContainerFacts, view: DestinationView, choices: Belongings): Verdict[] {
  const missing = view.networksMissing;
  const found = container.networks.filter((network) => !missing.includes(network));
  const there = found.length > 0 ? [ok("networks", `networks there: ${found.join(", ")}`)] : [];
  if (missing.length === 0) return there;
  const known = missing.map((name) => container.networkFacts.find((network) => network.name === name));
  if (known.some((network) => !network || !canBeMade(network))) {
    const what = `no network named ${missing.join(", ")}`;
    return [fail("networks", "preflight-failed", what, "join the host to the cluster that has it")];
  }
  if (choices.createNetworks) return [...there, ok("networks", `networks will be made: ${missing.join(", ")}`)];
  return [
    fail(
      "networks",
      "preflight-failed",
      `no network named ${missing.join(", ")}`,
      `use --create-networks, or: ${missing.map((network) => `docker network create ${network}`).join("; ")} (with the same driver and subnet)`,
    ),
  ];
}

function differences({ networksDifferent }: DestinationView): Verdict[] {
  return networksDifferent.map(({ name, what }) =>
    warn(
      "networks",
      `the network ${name} is another one: ${what}`,
      "make it with the same driver and subnet if the container is reached at its address",
    ),
  );
}

function addresses({ addressesRefused }: DestinationView): Verdict[] {
  return addressesRefused.map(({ network, address, by }) =>
    by === null
      ? fail(
          "addresses",
          "preflight-failed",
          `the network ${network} has no subnet with the address ${address}`,
          `docker network rm ${network}, and --create-networks`,
        )
      : fail(
          "addresses",
          "preflight-failed",
          `the address ${address} in ${network} belongs to ${by}`,
          `docker stop ${by}`,
        ),
  );
}

/** What becomes of established connections. */
function connections(container: ContainerFacts, { tcp }: Belongings): Verdict[] {
  if (container.networkMode === "host") return tcp === "keep" ? [cannotKeep("the host's network")] : [];
  const without = container.networks.filter((network) => network !== "none" && !isUserNetwork(network));
  if (tcp === "keep" && without.length > 0) return [cannotKeep(`the network ${without.join(", ")}`)];
  if (keepsConnections(container, tcp)) {
    const kept = wantedAddresses(container, tcp).map(({ address }) => address);
    return [ok("connections", `established connections go on${kept.length > 0 ? `, with ${kept.join(", ")}` : ""}`)];
  }
  const why = tcp === "close" ? "as it was asked for" : "the container's address there is another one";
  return [ok("connections", `established connections are closed: ${why}`)];
}

function cannotKeep(where: string): Verdict {
  return fail(
    "connections",
    "preflight-failed",
    `${where} gives no container an address of its choice, so that connections cannot go on`,
    "use --tcp close, or a network of your own (macvlan, or a bridge with --subnet)",
  );
}
