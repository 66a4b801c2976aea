import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../contract/errors.ts";
import { thaw } from "../host/container/freezer.ts";
import { runcContainer } from "../host/container/runc.ts";
import { endDumps } from "../host/criu/end-dumps.ts";
import type { Host } from "../host/host.ts";
import { lazyPagesPath, pendingFolder } from "../host/paths.ts";
import { isStarted } from "../host/process-table.ts";
import { abandonPending, removePending } from "../host/restore/pending.ts";
import type { OperationContext } from "../journal/operation-context.ts";
import type { CheckpointDeps } from "./deps.ts";
import { carryLogs, givePolicy, keepPrepared, madeContainer, undoPrepared } from "./recreate.ts";
import { runAgain } from "./run-again.ts";
import { folderAt, readRecordOf } from "./store.ts";
import type { PreparedRecord, Unfinished, UnfinishedRecord } from "./unfinished.ts";

const killMs = 500;
const lazyPagesMs = 100;
const retryMs = 1000;

/**
 * Ends an action that did not come to its end, whether it failed or its agent died: the container goes on from the checkpoint
 * where it runs already, and is as it was before otherwise. Harmless the second time.
 * @returns the id of the container that goes on from the checkpoint, if it does
 * @throws docker-unreachable, to be tried again; restore-failed where a container that was rolled back does not come back
 */
export async function settle(
  { host, store }: CheckpointDeps,
  unfinished: Unfinished,
  context: OperationContext,
): Promise<string | undefined> {
  const { record } = unfinished;
  // The freeze may have been the last thing that happened: it comes first, and needs no Docker.
  const alive = record.frozen ? await letRun(record.frozen) : false;
  if (record.frozen) await givePolicy(host, record.frozen, record.heldPolicy);
  const running =
    record.prepared && (await settlePrepared({ host, store }, unfinished, record.prepared, alive, context));
  if (record.folder) await rm(record.folder, { recursive: true, force: true });
  unfinished.forget();
  return running ?? undefined;
}

/** As `settle`, tried again while Docker does not answer, until the signal aborts. */
export async function settlePatiently(
  deps: CheckpointDeps,
  unfinished: Unfinished,
  context: OperationContext,
  until: AbortSignal,
): Promise<string | undefined> {
  for (;;) {
    try {
      return await settle(deps, unfinished, context);
    } catch (error) {
      if (until.aborted || !(error instanceof GodwitError && error.code === "docker-unreachable")) throw error;
      await sleep(retryMs);
    }
  }
}

/** Whether it is alive. */
async function letRun(id: string): Promise<boolean> {
  const container = await runcContainer(id).catch(() => undefined);
  if (!container) return false;
  await endDumps(id);
  await thaw(container);
  return true;
}

async function settlePrepared(
  deps: Pick<CheckpointDeps, "host" | "store">,
  unfinished: Unfinished,
  prepared: PreparedRecord,
  alive: boolean,
  context: OperationContext,
): Promise<string | undefined> {
  const { host } = deps;
  const { record } = unfinished;
  const id = await madeContainer(host, prepared, record.startedAt);
  const restored = id !== undefined && (await wasRestored(host, id, prepared));
  // Alive in the same container: either its end was never carried out, or it goes on from the checkpoint already.
  const sameContainer = record.frozen === id && id !== undefined;
  const unharmed = alive && !(sameContainer && existsSync(join(pendingFolder, id))) && (await staysAlive(host, record));
  if (id !== undefined && !restored) await removePending(id);
  if (id !== undefined && restored) {
    await removePending(id);
    await keepPrepared(host, { ...prepared, id });
    return id;
  }
  if (record.ended && !unharmed && id !== undefined) await takeBack(deps, unfinished, { ...prepared, id }, id, context);
  else await undoPrepared(host, prepared, record.startedAt);
  return undefined;
}

/** A kill that was ordered takes effect with the thaw. */
async function staysAlive(host: Host, { ended, frozen }: UnfinishedRecord): Promise<boolean> {
  if (ended) await sleep(killMs);
  return frozen !== null && ((await host.docker.find(frozen))?.State.Running ?? false);
}

/** Whether the container runs from the checkpoint, with all its memory. A start that is under way is waited for. */
async function wasRestored(host: Host, id: string, prepared: PreparedRecord): Promise<boolean> {
  const folder = join(pendingFolder, id);
  await abandonPending(id);
  // Docker answers when the start has come to its end.
  await host.docker.find(id);
  if (!prepared.made && !existsSync(join(folder, "consumed"))) return false;
  // If memory stops coming, the container is killed.
  while (await isStarted(lazyPagesPath, id)) await sleep(lazyPagesMs);
  return (await host.docker.find(id))?.State.Running ?? false;
}

/** The container goes on from the instant before it was ended. */
async function takeBack(
  { host, store }: Pick<CheckpointDeps, "host" | "store">,
  unfinished: Unfinished,
  prepared: PreparedRecord,
  id: string,
  context: OperationContext,
): Promise<void> {
  const folder = folderAt(unfinished.record.folder ?? "");
  const before = await readRecordOf(folder);
  try {
    const original = prepared.original && (await host.docker.find(prepared.original));
    if (original) await carryLogs(host, original, id);
    const { drained } = await runAgain(host, id, { folder, record: before }, context);
    await drained;
    await keepPrepared(host, prepared);
  } catch (error) {
    if (error instanceof GodwitError && error.code === "docker-unreachable") throw error;
    await store.commit(folder, before);
    await keepPrepared(host, prepared);
    unfinished.forget();
    throw new GodwitError(
      "restore-failed",
      `The rollback failed, and so did the way back: ${(error as Error).message}`,
      {
        hint: `The container is stopped; its last instant is kept: godwit restore ${prepared.name} ${before.name}`,
        cause: error,
      },
    );
  }
}
