import type { NetworkFacts } from "../../contract/attachments.ts";
import type { Check, PlannedMove } from "../check.ts";
import { type Finding, fail, ok, warn } from "../finding.ts";

export const networks: Check<PlannedMove> = {
  key: "networks",
  audiences: ["migration"],
  run: (move) => [...presence(move), ...differences(move)],
};

/** Docker creates it on one host alone. A network of a cluster comes from the managers of the cluster. */
const canBeCreated = ({ scope }: NetworkFacts) => scope === "local";

function presence({ container, view, choices }: PlannedMove): Finding[] {
  const missing = view.networksMissing;
  const found = container.networks.filter((network) => !missing.includes(network));
  const present = found.length > 0 ? [ok(`these networks exist: ${found.join(", ")}`)] : [];
  if (missing.length === 0) return present;
  const what = `there is no network named ${missing.join(", ")}`;
  const known = missing.map((name) => container.networkFacts.find((network) => network.name === name));
  if (known.some((network) => !network || !canBeCreated(network)))
    return [fail("preflight-failed", what, "join the host to the cluster that has it")];
  if (choices.createNetworks) return [...present, ok(`godwit creates these networks: ${missing.join(", ")}`)];
  const create = missing.map((network) => `docker network create ${network}`).join("; ");
  const remedy = `use --create-networks, or: ${create} (with the same driver and subnet)`;
  return [fail("preflight-failed", what, remedy)];
}

function differences({ view: { networksDifferent } }: PlannedMove): Finding[] {
  return networksDifferent.map(({ name, what }) =>
    warn(
      `the network ${name} differs: ${what}`,
      "create it with the same driver and subnet if clients use the container's address",
    ),
  );
}
