import {
  type CheckpointDeps,
  cloneContainer,
  createCheckpoint,
  restoreContainer,
  rollbackContainer,
  withPassingCheckpoint,
} from "../checkpoint/actions.ts";
import { findCheckpoint, listCheckpoints } from "../checkpoint/find.ts";
import { CheckpointStore, summaryOf } from "../checkpoint/store.ts";
import { GodwitError } from "../contract/errors.ts";
import { hostFacts } from "../contract/facts.ts";
import { checkName } from "../contract/names.ts";
import { apiPrefix } from "../contract/version.ts";
import { containerName, describe, readContainerFacts } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/docker/inspect.ts";
import { thisHost } from "../host/host.ts";
import { compareHosts } from "../migration/compare-hosts.ts";
import { containerObstacles } from "../migration/container-obstacles.ts";
import { Arrivals } from "../migration/destination/arrivals.ts";
import { doctor } from "../migration/doctor.ts";
import { cloneTo, sendHistory } from "../migration/history.ts";
import { Departures } from "../migration/source/departures.ts";
import { obstaclesIn } from "../migration/verdict.ts";
import { registerPeerRoutes } from "./peer-routes.ts";
import type { Services, ServicesContext } from "./services.ts";

/** The services of a real host. */
export function createServices({ config, journal, operations, peers, tunnels }: ServicesContext): Services {
  const host = thisHost(config.name);
  const store = new CheckpointStore();
  const deps: CheckpointDeps = { host, store };
  const arrivals = new Arrivals({ host, journal, operations });
  const departures = new Departures({
    ...{ host, journal, operations, peers },
    moved: (container, peer, context) => sendHistory(deps, container, peer, context),
  });

  /** The container, and its name, by which operations hold it and the store knows it. */
  const resolve = async (asked: string): Promise<{ found: ContainerInspect; name: string }> => {
    const found = await host.docker.inspect(asked);
    const name = containerName(found);
    departures.assertSettled(name);
    return { found, name };
  };
  const running = async (asked: string) => {
    const resolved = await resolve(asked);
    const { State } = resolved.found;
    if (State.Running && !State.Paused) return resolved;
    throw new GodwitError(
      "container-not-running",
      `Container '${resolved.name}' is ${State.Status}; this needs a running one.`,
      {
        hint: State.Paused ? `docker unpause ${resolved.name}` : `docker start ${resolved.name}`,
      },
    );
  };

  return {
    peerRoutes: (app) => registerPeerRoutes(app, { arrivals, history: deps, operations, tunnels }),
    facts: () => host.facts(),

    async doctor(other) {
      const own = await host.facts();
      const theirs =
        other === undefined ? undefined : hostFacts.parse(await peers(other).json("GET", `${apiPrefix}/facts`));
      return {
        host: host.name,
        with: other ?? null,
        verdicts: [...doctor(own), ...(theirs ? compareHosts(own, theirs) : [])],
      };
    },

    async containers() {
      const [listed, facts] = await Promise.all([host.docker.containers(), host.facts()]);
      const found = await Promise.all(listed.map(async (item) => ({ item, inspect: await host.docker.find(item.Id) })));
      return found.flatMap(({ item, inspect }) => {
        if (!inspect) return [];
        const described = describe(inspect);
        const { id, name, image, state, runtime } = described;
        return [
          {
            host: host.name,
            id,
            name,
            image,
            state,
            status: item.Status,
            runtime,
            obstacles: obstaclesIn(containerObstacles(described, facts)),
          },
        ];
      });
    },

    async container(asked) {
      const { found } = await resolve(asked);
      return readContainerFacts(host.docker, found, await host.dockerRoot());
    },

    async checkpoints(asked) {
      if (asked !== undefined) {
        const found = await host.docker.find(asked);
        return (await listCheckpoints(host, store, found, asked)).map(summaryOf);
      }
      const own = (await store.list()).map(summaryOf);
      const containers = await Promise.all((await host.docker.containers()).map(({ Id }) => host.docker.find(Id)));
      const all = await Promise.all(containers.map((found) => (found ? listCheckpoints(host, store, found) : [])));
      return [
        ...own,
        ...all
          .flat()
          .filter(({ origin }) => origin === "docker")
          .map(summaryOf),
      ];
    },

    async checkpoint(asked, name) {
      const found = await host.docker.find(asked);
      return (await findCheckpoint(host, store, found, found ? containerName(found) : asked, name)).record;
    },

    async removeCheckpoint(asked, name) {
      const found = await host.docker.find(asked);
      const owner = found ? containerName(found) : asked;
      operations.assertFree(owner);
      const { record } = await findCheckpoint(host, store, found, owner, name);
      if (record.origin === "docker") await host.docker.removeCheckpoint(record.containerId, name);
      else await store.remove(owner, name);
    },

    async createCheckpoint(asked, request) {
      const { found, name: owner } = await running(asked);
      const name = request.name ?? `checkpoint-${new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-")}`;
      await store.refuseExisting(owner, name);
      return operations.start({ kind: "checkpoint", container: owner, cancellable: true }, (context) =>
        createCheckpoint(deps, found, { name, stop: request.stop }, context),
      );
    },

    async restore(asked, { checkpoint }) {
      const found = await host.docker.find(asked);
      const owner = found ? containerName(found) : asked;
      departures.assertSettled(owner);
      if (found?.State.Running) {
        throw new GodwitError("container-running", `Container '${owner}' is running.`, {
          hint: `Take it back, memory and files, with: godwit rollback ${owner} ${checkpoint}`,
        });
      }
      const source = await findCheckpoint(host, store, found, owner, checkpoint);
      return operations.start({ kind: "restore", container: owner, cancellable: false }, (context) =>
        restoreContainer(deps, found, source, context),
      );
    },

    async rollback(asked, { checkpoint }) {
      const { found, name } = await running(asked);
      const source = await findCheckpoint(host, store, found, name, checkpoint);
      return operations.start({ kind: "rollback", container: name, cancellable: true }, (context) =>
        rollbackContainer(deps, found, source, context),
      );
    },

    async clone(asked, request) {
      const found = await host.docker.find(asked);
      const owner = found ? containerName(found) : asked;
      const kept =
        request.checkpoint === undefined
          ? undefined
          : await findCheckpoint(host, store, found, owner, request.checkpoint);
      const original = kept ? undefined : (await running(asked)).found;
      const peer = request.host === undefined || request.host === host.name ? undefined : peers(request.host);
      if (!peer) await refuseTaken(request.name);
      return operations.start(
        { kind: "clone", container: peer ? owner : request.name, cancellable: true },
        async (context) => {
          const run = (source: NonNullable<typeof kept>) =>
            peer
              ? cloneTo(host, peer, source, request.name, context)
              : cloneContainer(deps, source, request.name, context);
          if (kept) return run(kept);
          if (!original) throw new Error("a clone has neither a checkpoint nor a running original");
          return withPassingCheckpoint(deps, original, context, run);
        },
      );
    },

    async migrate(asked, request) {
      const { found } = await resolve(asked);
      return departures.migrate(found, request);
    },

    async plan(asked, request) {
      const { found } = await resolve(asked);
      return departures.plan(found, request);
    },

    async recover(asked, { force }) {
      const found = await host.docker.find(asked);
      return departures.recover(found ? containerName(found) : checkName("container", asked), force);
    },

    async resume() {
      await store.sweep();
      await arrivals.resume();
      await departures.resume();
    },

    async close() {
      departures.close();
    },
  };

  async function refuseTaken(name: string): Promise<void> {
    if (!(await host.docker.find(name))) return;
    throw new GodwitError("name-taken", `A container named '${name}' exists already on ${host.name}.`, {
      hint: "Choose another name for the clone.",
    });
  }
}
