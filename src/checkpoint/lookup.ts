import { GodwitError } from "../contract/errors.ts";
import { containerName } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { CheckpointSource } from "./container/restore-from.ts";
import type { CheckpointDeps } from "./deps.ts";
import { findCheckpoint, listCheckpoints } from "./find.ts";

export interface Found {
  found: ContainerInspect;
  /** Operations and the store know the container by this name. */
  name: string;
}

/** A container that may be gone, with only its checkpoints left. */
export interface MaybeFound {
  found: ContainerInspect | undefined;
  /** Its own, or what was asked for. */
  name: string;
}

/** What a caller names, by a name, an id or the beginning of an id: found on this host, or refused in a sentence. */
export interface Lookup {
  any(asked: string): Promise<MaybeFound>;
  /** @throws baton-unresolved where it waits for another host */
  settled(asked: string): Promise<MaybeFound>;
  /** @throws no-such-container, baton-unresolved */
  container(asked: string): Promise<Found>;
  /** @throws container-not-running as well */
  running(asked: string): Promise<Found>;
  /** A kept checkpoint of a container that may be gone. @throws no-such-container where nothing is known of it at all */
  checkpoint(asked: string, name: string): Promise<{ owner: string; source: CheckpointSource }>;
  /** As `checkpoint`; one that is damaged is found as well, without a source. */
  removable(asked: string, name: string): Promise<{ owner: string; source: CheckpointSource | undefined }>;
  noContainer(asked: string): GodwitError;
}

/** @param assertSettled throws baton-unresolved where the container of that name waits for another host */
export function lookup(
  { host, store }: Pick<CheckpointDeps, "host" | "store">,
  assertSettled: (container: string) => void,
): Lookup {
  const noContainer = (asked: string) => noContainerOn(host.name, asked);

  const any = async (asked: string) => {
    const found = await host.engine.find(asked);
    return { found, name: found ? containerName(found) : asked };
  };

  const settled = async (asked: string) => {
    const it = await any(asked);
    assertSettled(it.name);
    return it;
  };

  const container = async (asked: string) => {
    const { found, name } = await settled(asked);
    if (!found) throw noContainer(asked);
    return { found, name };
  };

  const checkpoint = async (asked: string, name: string) => {
    const { found, name: owner } = await any(asked);
    try {
      return { owner, source: await findCheckpoint(host, store, found, owner, name) };
    } catch (error) {
      const nothing = !found && (await listCheckpoints(host, store, found, owner)).length === 0;
      throw error instanceof GodwitError && error.code === "no-such-checkpoint" && nothing ? noContainer(asked) : error;
    }
  };

  return {
    ...{ noContainer, any, settled, container, checkpoint },

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

    async removable(asked, name) {
      try {
        return await checkpoint(asked, name);
      } catch (error) {
        if (!(error instanceof GodwitError && error.code === "invalid-checkpoint")) throw error;
        return { owner: (await any(asked)).name, source: undefined };
      }
    },
  };
}

export const noContainerOn = (host: string, asked: string): GodwitError =>
  new GodwitError("no-such-container", `There is no container '${asked}' on ${host}.`, {
    hint: "List the containers of all hosts with: godwit ps",
  });
