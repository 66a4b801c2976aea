import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import { thaw } from "../../host/cgroup/freezer.ts";
import { endDumps } from "../../host/criu/dump/end-dumps.ts";
import type { Host } from "../../host/host.ts";
import { lazyPagesPath, pendingFolder } from "../../host/paths.ts";
import { isStarted } from "../../host/proc/process-table.ts";
import { abandonPending, removePending } from "../../host/restore/pending.ts";
import { watchRestore } from "../../host/restore/stuck.ts";
import { runcContainer } from "../../host/runtime/runc.ts";
import { attach } from "../container/networks.ts";
import { keepPrepared, madeContainer, restoreRestartPolicy, undoPrepared } from "../container/recreate.ts";
import { restoreWork } from "../container/restore-from.ts";
import { keepSwap, undoSwap } from "../container/staged-trees.ts";
import type { CheckpointDeps } from "../deps.ts";
import type { PreparedRecord, RecoveryRecord } from "./recovery-record.ts";

const lazyPagesMs = 100;
const retryMs = 1000;

/**
 * Ends an action that did not come to its end, whether it failed or its agent died: the container goes on from the checkpoint
 * where it runs already, and is as it was before otherwise. Harmless the second time.
 * @returns the id of the container that goes on from the checkpoint, if it does
 * @throws docker-unreachable, to be tried again
 */
export async function settle({ host, store }: CheckpointDeps, recovery: RecoveryRecord): Promise<string | undefined> {
  const { state } = recovery;
  const { frozen, heldPolicy, prepared, folder } = state;
  // As long as nothing was taken from it, and nothing else can run in its place, it goes on at once: that needs no Docker.
  const untouched = !state.released && state.detached.length === 0;
  if (frozen && untouched) await letRun(frozen);
  if (frozen) await restoreRestartPolicy(host, frozen, heldPolicy);
  const runs = prepared ? await settlePrepared(host, recovery, prepared) : undefined;
  if (runs === undefined) {
    await attach(host.docker, recovery);
    if (frozen && !untouched) await letRun(frozen);
  } else if (state.checkpoint !== null) await store.setCurrent(state.container, state.checkpoint);
  if (folder) await rm(folder, { recursive: true, force: true });
  recovery.forget();
  return runs;
}

/**
 * As `settle`, tried again while Docker does not answer, until the signal aborts. Then a frozen container goes on, without its
 * networks, if nothing can run in its place; the agent's next start does the rest.
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
        if (frozen && !released) await letRun(frozen);
        throw error;
      }
    }
  }
}

async function letRun(id: string): Promise<void> {
  const container = await runcContainer(id).catch(() => undefined);
  if (!container) return;
  await endDumps(id);
  await thaw(container);
}

/** Either the prepared container has the place of the original, or nothing of it is left. @returns its id where it runs */
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
    return id;
  }
  await undoPrepared(host, prepared, state.startedAt);
  await undoSwap(state.swaps);
  return undefined;
}

/** Whether the container runs from the checkpoint, with all its memory. A start that is under way is waited for. */
async function isRestored(host: Host, id: string): Promise<boolean> {
  await abandonPending(id);
  // Docker answers when the start has come to its end.
  using _ = watchRestore({ work: restoreWork(id), pending: join(pendingFolder, id) });
  await host.docker.find(id);
  // If memory stops coming, the container is killed.
  while (await isStarted(lazyPagesPath, id)) await sleep(lazyPagesMs);
  return (await host.docker.find(id))?.State.Running ?? false;
}
