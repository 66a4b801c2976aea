import { agentAnswers, agentSocket, dockerVersion } from "./probe.ts";
import type { Release } from "./recipe.ts";
import { allStates, inHost, type LabState, livingHost, mustState, readState } from "./state.ts";

export interface LabHostStatus {
  name: string;
  /** The host's init, as this machine numbers it; undefined if the host is down. */
  pid: number | undefined;
  address: string;
  release: Release;
  /** Version of the Docker daemon; undefined while it does not answer. */
  docker: string | undefined;
  /** Whether the agent answers. */
  agent: boolean;
}

export interface LabStatus {
  name: string;
  hosts: LabHostStatus[];
}

/** The labs that are up, or the one of that name; an empty list if there is none. */
export async function labStatus(name?: string): Promise<LabStatus[]> {
  const states = name === undefined ? allStates() : [readState(name)].filter((state) => state !== undefined);
  return Promise.all(states.map(statusOf));
}

/**
 * How to reach the agents of those of a lab's hosts that are up.
 * @throws GodwitError `no-such-lab`
 */
export function labHosts(name = "lab"): { name: string; pid: number; socket: string }[] {
  return mustState(name).hosts.flatMap((host) => {
    const init = livingHost(name, host.name);
    return init ? [{ name: host.name, pid: init.pid, socket: inHost(init, agentSocket) }] : [];
  });
}

async function statusOf(state: LabState): Promise<LabStatus> {
  const hosts = state.hosts.map(async ({ name, address, release }) => {
    const init = livingHost(state.name, name);
    const [docker, agent] = init ? await Promise.all([dockerVersion(init), agentAnswers(init)]) : [undefined, false];
    return { name, pid: init?.pid, address, release, docker, agent };
  });
  return { name: state.name, hosts: await Promise.all(hosts) };
}
