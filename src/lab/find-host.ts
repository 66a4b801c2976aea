import { GodwitError } from "../contract/errors.ts";
import { namespaceReach } from "./host/namespace-host.ts";
import type { Reach } from "./reach.ts";
import { type LabState, livingHost, mustState } from "./state.ts";
import { vmReach } from "./vm/reach.ts";

/** The way into a host; undefined if the host is down. */
export function reachOf(state: LabState, host: string): Reach | undefined {
  const living = livingHost(state.name, host);
  if (!living) return undefined;
  return state.kind === "vm" ? vmReach(state.name, host, living) : namespaceReach(state.name, host, living);
}

/** The way into a host of a lab. @throws GodwitError `no-such-lab`; `no-such-host`, also for a host that is down */
export function mustReach(lab: string, host: string): Reach {
  const state = mustState(lab);
  if (!state.hosts.some(({ name }) => name === host)) {
    const names = state.hosts.map(({ name }) => name).join(", ");
    throw new GodwitError("no-such-host", `The lab '${lab}' has no host '${host}'.`, { hint: `It has ${names}.` });
  }
  const reach = reachOf(state, host);
  if (reach) return reach;
  throw new GodwitError("no-such-host", `The host ${host} of the lab '${lab}' is not up.`, {
    hint: `godwit lab up --name ${lab} brings it back.`,
  });
}
