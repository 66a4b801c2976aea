import { errorReport, GodwitError } from "../contract/errors.ts";
import { type ContainerRef, checkName, parseContainerRef } from "../contract/names.ts";
import { Client, type Send, unixSocket } from "../transport/client.ts";

export interface HostClient {
  host: string;
  client: Client;
}

/** A container, and the host that has it. */
export interface Target extends HostClient {
  container: string;
  checkpoint: string | undefined;
}

/** The hosts that the commands work on: those of the local agent, or those of a lab. */
export interface Connection {
  /** @throws GodwitError no-such-host */
  host(name: string): Promise<HostClient>;
  /** Every host, also one that does not answer. The agent's own host comes first. */
  hosts(): Promise<HostClient[]>;
  /** `C` or `HOST/C`; with `checkpoint` also `HOST/C@CHECKPOINT`. */
  target(ref: string, options?: { checkpoint: boolean }): Promise<Target>;
}

/** Over the socket of this machine's agent, which forwards requests for other hosts. */
export function localConnection(socket: string): Connection {
  const send = unixSocket(socket);
  const own = new Client(send);
  const self = async () => (await own.call("health", {})).name;
  const on = (name: string): HostClient => ({ host: name, client: new Client(send, name) });
  return {
    host: async (name) => on(checkName("host", name)),
    hosts: async () => (await own.call("hosts", {})).map(({ name }) => on(name)),
    async target(ref, options) {
      const { host, container, checkpoint } = parseRef(ref, options);
      return { ...on(host ?? (await self())), container, checkpoint };
    },
  };
}

/** Directly to the socket of each host of a lab. */
export function labConnection(lab: string, hosts: { name: string; socket: string }[]): Connection {
  const clients = hosts.map(({ name, socket }): HostClient => {
    const hint = `Its log: godwit lab exec --name ${lab} ${name} -- cat /var/log/godwit-agent.log`;
    const send: Send = (wanted) =>
      unixSocket(socket, hint)(wanted).catch((error) => Promise.reject(named(error, name)));
    return { host: name, client: new Client(send) };
  });
  const host = async (name: string): Promise<HostClient> => {
    const found = clients.find((client) => client.host === checkName("host", name));
    if (found) return found;
    throw new GodwitError("no-such-host", `The lab '${lab}' has no host '${name}'.`, {
      hint: `It has ${clients.map((client) => client.host).join(", ")}.`,
    });
  };
  return {
    host,
    hosts: async () => clients,
    async target(ref, options) {
      const { host: name, container, checkpoint } = parseRef(ref, options);
      return {
        ...(name === undefined ? await holder(lab, clients, container) : await host(name)),
        container,
        checkpoint,
      };
    },
  };
}

function parseRef(ref: string, options: { checkpoint: boolean } = { checkpoint: false }): ContainerRef {
  const parsed = parseContainerRef(ref);
  if (options.checkpoint || parsed.checkpoint === undefined) return parsed;
  throw new GodwitError("usage", `'${ref}' names a checkpoint, but this command needs a container there.`, {
    hint: "Name the container only: [HOST/]NAME.",
  });
}

/** The only host of a lab that has the container, or checkpoints of it. */
async function holder(lab: string, clients: HostClient[], wanted: string): Promise<HostClient> {
  const problems: string[] = [];
  /** A host that cannot be asked has none; the error says which, if no other host has the container. */
  const orNone = (host: string) => (error: unknown) => {
    problems.push(`${host}: ${errorReport(error).message}`);
    return [];
  };
  const present = await those(clients, async ({ host, client }) => {
    const containers = await client.call("containers", {}).catch(orNone(host));
    return containers.some(({ name, id }) => name === wanted || id.startsWith(wanted));
  });
  const keepsCheckpoints = async ({ host, client }: HostClient) => {
    const checkpoints = await client.call("checkpoints", {}).catch(orNone(host));
    return checkpoints.some(({ container }) => container === wanted);
  };
  const [found, ...more] = present.length > 0 ? present : await those(clients, keepsCheckpoints);
  if (found && more.length === 0) return found;
  const hint = `Name the host: ${clients.map(({ host }) => `${host}/${wanted}`).join(" or ")}.`;
  if (found)
    throw new GodwitError(
      "usage",
      `Several hosts of the lab '${lab}' have a container '${wanted}', or checkpoints of one.`,
      { hint },
    );
  throw new GodwitError("no-such-container", `No host of the lab '${lab}' that answers has a container '${wanted}'.`, {
    hint: `'godwit --lab ${lab} ps' lists them.`,
    ...(problems.length > 0 ? { details: [...new Set(problems)].sort() } : {}),
  });
}

/** Asks all hosts at once. */
async function those(clients: HostClient[], fits: (client: HostClient) => Promise<boolean>): Promise<HostClient[]> {
  const answers = await Promise.all(clients.map(fits));
  return clients.filter((_, i) => answers[i]);
}

function named(error: unknown, host: string): unknown {
  const { code, hint } = errorReport(error);
  if (code !== "agent-unreachable") return error;
  return new GodwitError(code, `The agent of ${host} does not answer.`, { hint });
}
