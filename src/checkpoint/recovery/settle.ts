import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import { thaw } from "../../host/cgroup/freezer.ts";
import { endDumps } from "../../host/criu/dump/end-dumps.ts";
import { isMemoryLost } from "../../host/criu/restore/lazy-pages.ts";
import type { Host } from "../../host/host.ts";
import { pendingFolder } from "../../host/paths.ts";
import { abandonPending, removePending } from "../../host/restore/pending.ts";
import { watchRestore } from "../../host/restore/stuck.ts";
import { findRuncContainer } from "../../host/runtime/runc.ts";
import { attach } from "../container/networks.ts";
import { givePolicy, keepPrepared, madeContainer, undoPrepared } from "../container/recreate.ts";
import { releaseRestoreWork, restoreWork } from "../container/run-again.ts";
import { keepSwap, undoSwap } from "../container/staged-trees.ts";
import type { CheckpointDeps } from "../deps.ts";
import type { PreparedRecord, Unfinished } from "./unfinished.ts";

const retryMs = 1000;

/**
 * Ends an action that did not come to its end, whether it failed or its agent died: the container goes on from the checkpoint
 * where it runs already, and is as it was before otherwise. Harmless the second time.
 * @returns the id of the container that goes on from the checkpoint, if it does
 * @throws docker-unreachable, to be tried again
 */
export async function settle({ host, store }: CheckpointDeps, unfinished: Unfinished): Promise<string | undefined> {
  const { record } = unfinished;
  const { frozen, heldPolicy, prepared, folder } = record;
  // As long as nothing was taken from it, and nothing else can run in its place, it goes on at once: that needs no Docker.
  const untouched = !record.released && record.detached.length === 0;
  if (frozen && untouched) await letRun(frozen);
  if (frozen) await givePolicy(host, frozen, heldPolicy);
  const runs = prepared ? await settlePrepared(host, unfinished, prepared) : undefined;
  if (runs === undefined) {
    await attach(host.docker, unfinished);
    if (frozen && !untouched) await letRun(frozen);
  } else if (record.checkpoint !== null) await store.setCurrent(record.container, record.checkpoint);
  if (folder) await rm(folder, { recursive: true, force: true });
  unfinished.forget();
  return runs;
}

/**
 * As `settle`, tried again while Docker does not answer, until the signal aborts. Then a frozen container goes on, without its
 * networks, if nothing can run in its place; the agent's next start does the rest.
 */
export async function settlePatiently(
  deps: CheckpointDeps,
  unfinished: Unfinished,
  until: AbortSignal,
): Promise<string | undefined> {
  for (;;) {
    try {
      return await settle(deps, unfinished);
    } catch (error) {
      const silent = error instanceof GodwitError && error.code === "docker-unreachable";
      if (silent && !until.aborted) await sleep(retryMs);
      else {
        const { frozen, released } = unfinished.record;
        if (frozen && !released) await letRun(frozen);
        throw error;
      }
    }
  }
}

/** Thaws a container, if it still exists. @throws where that cannot be told: it may stand frozen */
export async function letRun(id: string, find = findRuncContainer): Promise<void> {
  const container = await find(id);
  if (!container) return;
  await endDumps(id);
  await thaw(container);
}

/** Either the prepared container has the place of the original, or nothing of it is left. @returns its id where it runs */
async function settlePrepared(
  host: Host,
  unfinished: Unfinished,
  prepared: PreparedRecord,
): Promise<string | undefined> {
  const { record } = unfinished;
  const id = await madeContainer(host, prepared, record.startedAt);
  const runs = id !== undefined && (record.kept || (record.released && (await isRestored(host, id))));
  if (id !== undefined) await removePending(id);
  if (runs) {
    unfinished.save({ kept: true });
    await keepPrepared(host, { ...prepared, id });
    await keepSwap(record.swaps);
    await releaseRestoreWork(id);
    return id;
  }
  await undoPrepared(host, prepared, record.startedAt);
  await undoSwap(record.swaps);
  if (id !== undefined) await releaseRestoreWork(id);
  return undefined;
}

/** Whether the container runs from the checkpoint, with all its memory. A start that is under way is waited for. */
async function isRestored(host: Host, id: string): Promise<boolean> {
  await abandonPending(id);
  // Docker answers when the start has come to its end.
  using _ = watchRestore({ work: restoreWork(id), pending: join(pendingFolder, id) });
  await host.docker.find(id);
  if (await isMemoryLost(restoreWork(id))) return false;
  return (await host.docker.find(id))?.State.Running ?? false;
}
