import type { CheckpointSource } from "../checkpoint/container/restore-from.ts";
import { findCheckpoint, listCheckpoints } from "../checkpoint/find.ts";
import type { CheckpointStore } from "../checkpoint/store/store.ts";
import { GodwitError } from "../contract/errors.ts";
import { containerFacts } from "../contract/facts.ts";
import { checkName } from "../contract/names.ts";
import { apiPrefix } from "../contract/version.ts";
import { containerName } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { Host } from "../host/host.ts";
import type { Departures } from "../migration/source/departures.ts";
import type { Peer } from "../transport/peer.ts";

export interface Found {
  found: ContainerInspect;
  /** By which operations hold it and the store knows it. */
  name: string;
}

/** What callers name, found on this host, or refused in a sentence. */
export interface Lookup {
  /** @throws no-such-container, baton-unresolved */
  container(asked: string): Promise<Found>;
  /** @throws container-not-running as well */
  running(asked: string): Promise<Found>;
  /** A kept checkpoint of a container that may be gone. @throws no-such-container where nothing is known of it at all */
  checkpoint(asked: string, name: string): Promise<{ owner: string; source: CheckpointSource }>;
  /** As `checkpoint`; one that is damaged is found as well, without a source. */
  removable(asked: string, name: string): Promise<{ owner: string; source: CheckpointSource | undefined }>;
  noContainer(asked: string): GodwitError;
  /** @throws name-taken, invalid-name; on the peer, if one is given */
  freeName(name: string, peer?: Peer): Promise<void>;
}

export function lookup(host: Host, store: CheckpointStore, departures: Departures): Lookup {
  const noContainer = (asked: string) =>
    new GodwitError("no-such-container", `There is no container '${asked}' on ${host.name}.`, {
      hint: "List the containers of all hosts with: godwit ps",
    });

  const container = async (asked: string) => {
    const found = await host.docker.find(asked);
    if (!found) throw noContainer(asked);
    const name = containerName(found);
    departures.assertSettled(name);
    return { found, name };
  };

  const checkpoint = async (asked: string, name: string) => {
    const found = await host.docker.find(asked);
    const owner = found ? containerName(found) : checkName("container", asked);
    try {
      return { owner, source: await findCheckpoint(host, store, found, owner, name) };
    } catch (error) {
      const nothing = !found && (await listCheckpoints(host, store, found, owner)).length === 0;
      throw error instanceof GodwitError && error.code === "no-such-checkpoint" && nothing ? noContainer(asked) : error;
    }
  };

  return {
    noContainer,
    container,

    async running(asked) {
      const { found, name } = await container(asked);
      const { State } = found;
      if (State.Running && !State.Paused) return { found, name };
      const checkpoint = State.Paused ? null : await store.current(name, found.Id);
      const anew = State.Paused ? `docker unpause ${name}` : `docker start ${name}`;
      throw new GodwitError(
        "container-not-running",
        `Container '${name}' is ${State.Status}; this needs a running one.`,
        {
          hint:
            checkpoint === null
              ? anew
              : `To go on from its checkpoint: godwit restore ${name} ${checkpoint}. To begin anew: ${anew}`,
        },
      );
    },

    checkpoint,

    async removable(asked, name) {
      try {
        return await checkpoint(asked, name);
      } catch (error) {
        if (!(error instanceof GodwitError && error.code === "invalid-checkpoint")) throw error;
        const found = await host.docker.find(asked);
        return { owner: found ? containerName(found) : asked, source: undefined };
      }
    },

    async freeName(name, peer) {
      // Docker wants two characters; ids are found by their beginning, which is no name.
      if (name.length < 2)
        throw new GodwitError("invalid-name", `'${name}' is not a valid container name.`, {
          hint: "Docker wants names of at least two characters.",
        });
      const taken = peer ? await nameOn(peer, name) : (await host.docker.find(name))?.Name.replace(/^\//, "");
      if (taken !== name) return;
      throw new GodwitError("name-taken", `A container named '${name}' exists already on ${peer?.name ?? host.name}.`, {
        hint: "Choose another name for the clone.",
      });
    },
  };
}

async function nameOn(peer: Peer, asked: string): Promise<string | undefined> {
  try {
    return containerFacts.parse(await peer.json("GET", `${apiPrefix}/containers/${encodeURIComponent(asked)}`)).name;
  } catch (error) {
    if (error instanceof GodwitError && error.code === "no-such-container") return undefined;
    throw error;
  }
}
