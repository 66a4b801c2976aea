import { cloneContainer, cloneRunning } from "../checkpoint/clone.ts";
import type { CheckpointSource } from "../checkpoint/container/restore-from.ts";
import { createCheckpoint } from "../checkpoint/create.ts";
import type { CheckpointDeps } from "../checkpoint/deps.ts";
import { listCheckpoints, refuseForeign, summaries } from "../checkpoint/find.ts";
import { resumeCheckpoints } from "../checkpoint/recovery/resume.ts";
import { restoreContainer } from "../checkpoint/restore.ts";
import { rollbackContainer } from "../checkpoint/rollback.ts";
import { CheckpointStore } from "../checkpoint/store/store.ts";
import { compareHosts } from "../checks/compare-hosts.ts";
import { containerObstacles } from "../checks/container-obstacles.ts";
import { doctor } from "../checks/doctor.ts";
import { refuseDump, refuseRestore } from "../checks/local-checks.ts";
import { obstaclesIn } from "../checks/verdict.ts";
import type { CheckpointTaken } from "../contract/checkpoint.ts";
import { GodwitError } from "../contract/errors.ts";
import { hostFacts } from "../contract/facts.ts";
import { apiPrefix } from "../contract/version.ts";
import { containerName, examine, readContainerFacts } from "../host/container/facts.ts";
import { readNeighbours } from "../host/container/joiners.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import { thisHost } from "../host/host.ts";
import { Arrivals } from "../migration/destination/arrivals.ts";
import { cloneTo, sendHistory } from "../migration/history.ts";
import { Departures } from "../migration/source/departures.ts";
import { lookup } from "./lookup.ts";
import { registerPeerRoutes } from "./peer-routes.ts";
import type { Services, ServicesContext } from "./services.ts";

/** The services of a real host. */
export function createServices({ config, journal, operations, peers, tunnels }: ServicesContext): Services {
  const host = thisHost(config.name);
  const store = new CheckpointStore();
  const deps: CheckpointDeps = { host, store, journal };
  const ending = new AbortController();
  const arrivals = new Arrivals({ host, journal, operations });
  const departures = new Departures({
    ...{ host, journal, operations, peers },
    moved: (container, peer, context) => sendHistory(deps, container, peer, context),
  });

  const find = lookup(host, store, departures);
  const examined = async (found: ContainerInspect) => examine(found, await readNeighbours(host.docker));
  /** Checkpoints that a clone is made of; their own container is free meanwhile. */
  const inUse = new Map<string, string>();

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
      const running = found.flatMap(({ inspect }) => (inspect?.State.Running ? [inspect] : []));
      const summaries = found.map(async ({ item, inspect }) => {
        if (!inspect) return undefined;
        const examined = await examine(inspect, { all: listed, running });
        const { id, name, image, state, runtime } = examined;
        const obstacles = obstaclesIn(containerObstacles(examined, facts));
        return { ...{ host: host.name, id, name, image, state, status: item.Status, runtime }, obstacles };
      });
      return (await Promise.all(summaries)).filter((summary) => summary !== undefined);
    },

    async container(asked) {
      const { found } = await find.container(asked);
      return readContainerFacts(host.docker, found, await host.dockerRoot());
    },

    async checkpoints(asked) {
      if (asked !== undefined) {
        const found = await host.docker.find(asked);
        const listed = await listCheckpoints(host, store, found, asked);
        const damaged = await store.damaged(found ? containerName(found) : asked);
        if (!found && listed.length === 0 && damaged.length === 0) throw find.noContainer(asked);
        return [...(await summaries(store, listed, found ? [found] : [])), ...damaged];
      }
      const listed = await Promise.all((await host.docker.containers()).map(({ Id }) => host.docker.find(Id)));
      const containers = listed.filter((found) => found !== undefined);
      const all = await Promise.all(containers.map((found) => listCheckpoints(host, store, found)));
      const docker = all.flat().filter(({ origin }) => origin === "docker");
      const readable = await summaries(store, [...(await store.list()), ...docker], containers);
      return [...readable, ...(await store.damaged())];
    },

    async checkpoint(asked, name) {
      return (await find.checkpoint(asked, name)).source.record;
    },

    async removeCheckpoint(asked, name) {
      const { owner, source } = await find.removable(asked, name);
      operations.assertFree(owner);
      const user = [...inUse].find(([, used]) => used === `${owner}/${name}`)?.[0];
      if (user) {
        throw new GodwitError(
          "busy",
          `Checkpoint '${name}' of '${owner}' is in use by the operation 'clone' (id ${user}).`,
          {
            hint: `Wait for it with: godwit operations watch ${user}`,
          },
        );
      }
      if (source?.record.origin === "docker") await host.docker.removeCheckpoint(source.record.containerId, name);
      else await store.remove(owner, name);
    },

    async createCheckpoint(asked, request) {
      const { found, name: owner } = await find.running(asked);
      const name = request.name ?? `checkpoint-${new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-")}`;
      await store.refuseExisting(owner, name);
      const warnings = refuseDump(await host.facts(), await examined(found), request.stop ? "stop" : "keep");
      return operations.start({ kind: "checkpoint", container: owner, cancellable: true }, async (context) => {
        for (const { message, remedy } of warnings) context.warn(message, remedy);
        const taken = await createCheckpoint(deps, found, { name, stop: request.stop }, context);
        return { ...taken, warnings: [...context.warnings] } satisfies CheckpointTaken;
      });
    },

    async restore(asked, { checkpoint, foreign }) {
      const found = await host.docker.find(asked);
      const owner = found ? containerName(found) : asked;
      departures.assertSettled(owner);
      if (found?.State.Running) {
        throw new GodwitError("container-running", `Container '${owner}' is running.`, {
          hint: `Take it back, memory and files, with: godwit rollback ${owner} ${checkpoint}`,
        });
      }
      const { source } = await find.checkpoint(asked, checkpoint);
      if (found && !foreign) await refuseForeign(store, source, found);
      refuseRestore(await host.facts(), owner);
      return operations.start({ kind: "restore", container: owner, cancellable: false }, (context) =>
        restoreContainer(deps, found, source, context),
      );
    },

    async rollback(asked, { checkpoint, foreign }) {
      const { found, name } = await find.running(asked);
      const { source } = await find.checkpoint(asked, checkpoint);
      if (!foreign) await refuseForeign(store, source, found);
      const facts = await host.facts();
      refuseDump(facts, await examined(found), "rollback");
      refuseRestore(facts, name);
      return operations.start({ kind: "rollback", container: name, cancellable: true }, (context) =>
        rollbackContainer(deps, found, source, context),
      );
    },

    async clone(asked, request) {
      const kept = request.checkpoint === undefined ? undefined : await find.checkpoint(asked, request.checkpoint);
      const original = kept ? undefined : await find.running(asked);
      const peer = request.host === undefined || request.host === host.name ? undefined : peers(request.host);
      await find.freeName(request.name, peer);
      const facts = await host.facts();
      if (original) refuseDump(facts, await examined(original.found), "clone");
      if (!peer) refuseRestore(facts, request.name);
      // A clone of a running container freezes it for a moment.
      const holds = original?.name ?? (peer ? kept?.owner : undefined) ?? request.name;
      return operations.start({ kind: "clone", container: holds, cancellable: true }, async (context) => {
        const elsewhere = peer && ((source: CheckpointSource) => cloneTo(host, peer, source, request.name, context));
        if (original) return cloneRunning(deps, original.found, request.name, context, elsewhere);
        if (!kept) throw new Error("a clone has neither a checkpoint nor a running original");
        inUse.set(context.id, `${kept.owner}/${request.checkpoint}`);
        try {
          return await (elsewhere?.(kept.source) ?? cloneContainer(deps, kept.source, request.name, context));
        } finally {
          inUse.delete(context.id);
        }
      });
    },

    async migrate(asked, request) {
      const { found } = await find.container(asked);
      return departures.migrate(found, request);
    },

    setMigration: (id, settings) => departures.set(id, settings),
    switchMigration: (id) => departures.switchNow(id),

    async plan(asked, request) {
      const { found } = await find.container(asked);
      return departures.plan(found, request);
    },

    async recover(asked, { force }) {
      const found = await host.docker.find(asked);
      const recovery = await departures.recover(found ? containerName(found) : asked, force);
      if (!found && recovery.outcome === "nothing-to-recover") throw find.noContainer(asked);
      return recovery;
    },

    async resume() {
      await resumeCheckpoints(deps, operations, ending.signal);
      await arrivals.resume();
      await departures.resume();
    },

    async close() {
      ending.abort();
      departures.close();
    },
  };
}
