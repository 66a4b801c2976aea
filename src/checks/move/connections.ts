import { isUserNetwork } from "../../contract/attachments.ts";
import { keepsConnections, wantedAddresses } from "../addresses.ts";
import type { Check, PlannedMove } from "../check.ts";
import { type Finding, fail, ok } from "../finding.ts";

/** What becomes of established connections. */
export const connections: Check<PlannedMove> = {
  key: "connections",
  audiences: ["migration"],
  run: ({ container, choices: { tcp } }) => {
    if (container.networkMode === "host") return tcp === "keep" ? [cannotKeep("the host's network")] : [];
    const without = container.networks.filter((network) => network !== "none" && !isUserNetwork(network));
    if (tcp === "keep" && without.length > 0) return [cannotKeep(`the network ${without.join(", ")}`)];
    if (keepsConnections(container, tcp)) {
      const kept = wantedAddresses(container, tcp).map(({ address }) => address);
      return [ok(`established connections continue${kept.length > 0 ? `, with ${kept.join(", ")}` : ""}`)];
    }
    const why = tcp === "close" ? "you asked for that" : "the container gets another address there";
    return [ok(`established connections are closed: ${why}`)];
  },
};

function cannotKeep(where: string): Finding {
  return fail(
    "preflight-failed",
    `a container cannot choose its address in ${where}, so connections cannot continue`,
    "use --tcp close, or a network of your own (macvlan, or a bridge with --subnet)",
  );
}
