import type { HostFacts } from "../../contract/facts.ts";
import type { Check, TwoHosts } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const agents: Check<TwoHosts> = {
  key: "agent",
  audiences: ["doctor", "migration"],
  run: ({ one, other }) => {
    if (one.protocol === other.protocol && one.agentVersion === other.agentVersion)
      return [ok(`both agents are godwit ${one.agentVersion}`)];
    const say = (host: HostFacts) => `${host.agentVersion} (protocol ${host.protocol}) on ${host.name}`;
    const what = `the agents have different versions: ${say(one)}, ${say(other)}`;
    return [fail("incompatible-agent", what, "install the same version of godwit on both hosts")];
  },
};
