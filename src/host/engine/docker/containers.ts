import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../../contract/errors.ts";
import { killCgroup } from "../../cgroup/freezer.ts";
import { findRuncContainer } from "../../runtime/runc.ts";
import type { EngineContainers, ListedContainer } from "../engine.ts";
import { type ContainerInspect, containerInspect } from "../inspect.ts";
import { api } from "./api-path.ts";
import { type DockerClient, DockerRefusal, ignoreStatus } from "./client.ts";
import { readExecSessions } from "./exec-sessions.ts";
import { toldAddressRefusal } from "./networks.ts";

/** How long Docker may take to begin a removal. */
const removalMs = 2_000;
const removalLookMs = 10;

export function dockerContainers(client: DockerClient): EngineContainers {
  const find = async (container: string): Promise<ContainerInspect | undefined> => {
    const found = await client.find(api`/containers/${container}/json`);
    return found === undefined ? undefined : containerInspect.parse(found);
  };

  const waitForExit: EngineContainers["waitForExit"] = async (container, { next = false, signal } = {}) => {
    const query = { condition: next ? "next-exit" : "not-running" };
    try {
      const path = api`/containers/${container}/wait`;
      return (await client.post<{ StatusCode: number }>(path, { query, signal })).StatusCode;
    } catch (error) {
      ignoreStatus(404)(error);
      return null;
    }
  };

  const remove: EngineContainers["remove"] = async (container, { force = false, volumes = false } = {}) => {
    try {
      await client.delete(api`/containers/${container}`, { query: { force, v: volumes } });
    } catch (error) {
      ignoreStatus(404, 409)(error);
      if (error instanceof DockerRefusal && error.status === 409) await awaitRemoval(client, container, error);
    }
  };

  return {
    containers: () => client.get<ListedContainer[]>(api`/containers/json`, { query: { all: true } }),
    find,
    async inspect(container) {
      const found = await find(container);
      if (found) return found;
      throw new GodwitError("no-such-container", `There is no container '${container}' on this host.`, {
        hint: "List the containers of all hosts with: godwit ps",
      });
    },
    async create(name, body) {
      try {
        const { Id } = await client.post<{ Id: string }>(api`/containers/create`, { query: { name }, body });
        return Id;
      } catch (error) {
        if (!(error instanceof DockerRefusal && error.status === 409)) throw toldAddressRefusal(error);
        throw new GodwitError("name-taken", `A container named '${name}' exists already on this host.`, {
          hint: `Rename or remove it: docker rename ${name} NEW, or docker rm ${name}`,
        });
      }
    },
    async start(container) {
      await client.post(api`/containers/${container}/start`);
    },
    /** Docker's own kill ends the first process of a frozen container and thaws the others, which run on for a moment. */
    async killAndWait(container) {
      const ended = waitForExit(container);
      // Where the kill fails as well, the error of the kill is what is thrown.
      ended.catch(() => {});
      const running = await findRuncContainer(container);
      if (running) await killCgroup(running.cgroup);
      await client.post(api`/containers/${container}/kill`).catch(ignoreStatus(404, 409));
      await ended;
    },
    waitForExit,
    remove,
    /** Docker notes the removal, and then sends its kill, of which it tells. Before the kill has an effect, nothing else shows it. */
    beginRemoval(container) {
      const since = Date.now() / 1000;
      const done = remove(container, { force: true });
      const over = new AbortController();
      const ended = done.catch(() => {}).finally(() => over.abort());
      return { begun: Promise.race([ended, killSince(client, container, since, over.signal)]), done };
    },
    async rename(container, name) {
      await client.post(api`/containers/${container}/rename`, { query: { name } });
    },
    async setRestartPolicy(container, policy) {
      await client.post(api`/containers/${container}/update`, { body: { RestartPolicy: policy } });
    },
    execSessions: (container) => readExecSessions(client, container),
    async removeCheckpoint(container, name) {
      await client.delete(api`/containers/${container}/checkpoints/${name}`);
    },
  };
}

/** Settles when Docker has told of a kill, or after a while. */
async function killSince(client: DockerClient, container: string, since: number, over: AbortSignal): Promise<void> {
  const filters = JSON.stringify({ container: [container], event: ["kill"] });
  const deadline = performance.now() + removalMs;
  for (; performance.now() < deadline && !over.aborted; await sleep(removalLookMs)) {
    const query = { since, until: Date.now() / 1000, filters };
    if ((await text(await client.stream("GET", api`/events`, { query }))) !== "") return;
  }
}

async function awaitRemoval(client: DockerClient, container: string, refusal: DockerRefusal): Promise<void> {
  if (!refusal.message.includes("already in progress")) throw refusal;
  const query = { condition: "removed" };
  await client.post(api`/containers/${container}/wait`, { query }).catch(ignoreStatus(404));
}
