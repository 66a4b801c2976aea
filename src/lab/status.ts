import { reachOf } from "./find-host.ts";
import { agentAnswers, dockerVersion } from "./host/probe.ts";
import type { Release } from "./recipe.ts";
import { allStates, type LabKind, type LabState, mustState, readState } from "./state.ts";

export interface LabHostStatus {
  name: string;
  /** Process id, on this machine, of the host's init or virtual machine; undefined if the host is down. */
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
  kind: LabKind;
  hosts: LabHostStatus[];
}

/** All labs that are up, or the one called `name`; an empty list if there is none. */
export async function labStatus(name?: string): Promise<LabStatus[]> {
  const states = name === undefined ? allStates() : [readState(name)].filter((state) => state !== undefined);
  return Promise.all(states.map(statusOf));
}

/**
 * The hosts of a lab that are up, each with the path of its agent's socket on this machine.
 * @throws GodwitError `no-such-lab`
 */
export function labHosts(name = "lab"): { name: string; pid: number; socket: string }[] {
  const state = mustState(name);
  return state.hosts.flatMap((host) => {
    const reach = reachOf(state, host.name);
    return reach ? [{ name: host.name, pid: reach.pid, socket: reach.socket("agent") }] : [];
  });
}

async function statusOf(state: LabState): Promise<LabStatus> {
  const hosts = state.hosts.map(async ({ name, address, release }) => {
    const reach = reachOf(state, name);
    const [docker, agent] = reach ? await Promise.all([dockerVersion(reach), agentAnswers(reach)]) : [undefined, false];
    return { name, pid: reach?.pid, address, release, docker, agent };
  });
  return { name: state.name, kind: state.kind, hosts: await Promise.all(hosts) };
}
