import type { ListedCheckpoint } from "../contract/checkpoint.ts";
import { containerName } from "../host/container/facts.ts";
import type { CheckpointDeps } from "./deps.ts";
import { listCheckpoints, summaries } from "./find.ts";
import { noContainerOn } from "./lookup.ts";

type ListDeps = Pick<CheckpointDeps, "host" | "store">;

/** Those of one container, which may be gone; those that cannot be read come last. @throws no-such-container where there is neither */
export async function checkpointsOf({ host, store }: ListDeps, asked: string): Promise<ListedCheckpoint[]> {
  const found = await host.engine.find(asked);
  const listed = await listCheckpoints(host, store, found, asked);
  const damaged = await store.damaged(found ? containerName(found) : asked);
  if (!found && listed.length === 0 && damaged.length === 0) throw noContainerOn(host.name, asked);
  return [...(await summaries(store, listed, found ? [found] : [])), ...damaged];
}

/** Those of all containers: godwit's own, then Docker's, then those that cannot be read. */
export async function allCheckpoints({ host, store }: ListDeps): Promise<ListedCheckpoint[]> {
  const listed = await Promise.all((await host.engine.containers()).map(({ Id }) => host.engine.find(Id)));
  const containers = listed.filter((found) => found !== undefined);
  const all = await Promise.all(containers.map((found) => listCheckpoints(host, store, found)));
  const docker = all.flat().filter(({ origin }) => origin === "docker");
  const readable = await summaries(store, [...(await store.list()), ...docker], containers);
  return [...readable, ...(await store.damaged())];
}
