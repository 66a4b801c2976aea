import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import { thaw } from "../../host/cgroup/freezer.ts";
import { endDumps } from "../../host/criu/dump/end-dumps.ts";
import { isMemoryLost } from "../../host/criu/restore/lazy-pages.ts";
import type { Host } from "../../host/host.ts";
import { pendingFolder } from "../../host/paths.ts";
import { releaseImageSpace } from "../../host/restore/image-space.ts";
import { abandonPending, removePending } from "../../host/restore/pending.ts";
import { watchRestore } from "../../host/restore/stuck.ts";
import { findRuncContainer } from "../../host/runtime/runc.ts";
import { attach } from "../container/networks.ts";
import { keepPrepared, madeContainer, restoreRestartPolicy, undoPrepared } from "../container/recreate.ts";
import { releaseRestoreWork, restoreWork } from "../container/restore-from.ts";
import { keepSwap, undoSwap } from "../container/staged-trees.ts";
import type { CheckpointDeps } from "../deps.ts";
import type { PreparedRecord, RecoveryRecord } from "./recovery-record.ts";

const retryMs = 1000;

/**
 * Settles an action that failed, or whose agent died. If the checkpoint already runs, the container stays the one that runs from it.
 * Otherwise the container is as it was before. Harmless the second time.
 * @returns the id of the container that runs from the checkpoint, if one does
 * @throws docker-unreachable. Try again then.
 */
export async function settle({ host, store }: CheckpointDeps, recovery: RecoveryRecord): Promise<string | undefined> {
  const { state } = recovery;
  const { frozen, heldPolicy, prepared, folder, space } = state;
  // A frozen container that has lost nothing, and that nothing can replace yet, runs again at once. That needs no Docker.
  const untouched = !state.released && state.detached.length === 0;
  if (frozen && untouched) await thawContainer(frozen);
  if (frozen) await restoreRestartPolicy(host, frozen, heldPolicy);
  const runs = prepared ? await settlePrepared(host, recovery, prepared) : undefined;
  if (runs === undefined) {
    await attach(host.engine, recovery);
    if (frozen && !untouched) await thawContainer(frozen);
  } else if (state.checkpoint !== null) await store.setCurrent(state.container, state.checkpoint);
  if (space) await releaseImageSpace(space);
  if (folder) await rm(folder, { recursive: true, force: true });
  recovery.forget();
  return runs;
}

/**
 * Calls `settle` again while Docker does not answer, until the signal aborts. Then it thaws a frozen container, without its networks, if
 * nothing can run in its place. The next start of the agent does the rest.
 */
export async function settlePatiently(
  deps: CheckpointDeps,
  recovery: RecoveryRecord,
  until: AbortSignal,
): Promise<string | undefined> {
  for (;;) {
    try {
      return await settle(deps, recovery);
    } catch (error) {
      const silent = error instanceof GodwitError && error.code === "docker-unreachable";
      if (silent && !until.aborted) await sleep(retryMs);
      else {
        const { frozen, released } = recovery.state;
        if (frozen && !released) await thawContainer(frozen);
        throw error;
      }
    }
  }
}

/** Thaws a container, if it still exists. @throws where that cannot be told: it may stand frozen */
export async function thawContainer(id: string, find = findRuncContainer): Promise<void> {
  const container = await find(id);
  if (!container) return;
  await endDumps(id);
  await thaw(container);
}

/** Either the prepared container replaces the original, or nothing of it is left. @returns its id if it runs */
async function settlePrepared(
  host: Host,
  recovery: RecoveryRecord,
  prepared: PreparedRecord,
): Promise<string | undefined> {
  const { state } = recovery;
  const id = await madeContainer(host, prepared, state.startedAt);
  const runs = id !== undefined && (state.kept || (state.released && (await isRestored(host, id))));
  if (id !== undefined) await removePending(id);
  if (runs) {
    recovery.save({ kept: true });
    await keepPrepared(host, { ...prepared, id });
    await keepSwap(state.swaps);
    await releaseRestoreWork(id);
    return id;
  }
  await undoPrepared(host, prepared, state.startedAt);
  await undoSwap(state.swaps);
  if (id !== undefined) await releaseRestoreWork(id);
  return undefined;
}

/** Whether the container runs from the checkpoint with all its memory. Waits for a start that is under way. */
async function isRestored(host: Host, id: string): Promise<boolean> {
  await abandonPending(id);
  // Docker answers when the start has ended.
  using _ = watchRestore({ work: restoreWork(id), pending: join(pendingFolder, id) });
  await host.engine.find(id);
  if (await isMemoryLost(restoreWork(id))) return false;
  return (await host.engine.find(id))?.State.Running ?? false;
}
