import { randomUUID } from "node:crypto";
import type { CheckpointRecord, CheckpointSummary } from "../contract/checkpoint.ts";
import { GodwitError } from "../contract/errors.ts";
import type { RunResult } from "../contract/routes.ts";
import { containerName } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/docker/inspect.ts";
import type { Host } from "../host/host.ts";
import type { OperationContext } from "../journal/operation-context.ts";
import { type Captured, capture } from "./capture.ts";
import { carryLogs, holdRestartPolicy, type Prepared, prepareInPlace, prepareNew } from "./recreate.ts";
import { type CheckpointSource, runAgain } from "./run-again.ts";
import { type CheckpointStore, summaryOf } from "./store.ts";

export interface CheckpointDeps {
  host: Host;
  store: CheckpointStore;
}

/** Keeps a running container's memory and files. With `stop` the container ends with it, otherwise it runs on. */
export async function createCheckpoint(
  { host, store }: CheckpointDeps,
  container: ContainerInspect,
  request: { name: string; stop: boolean },
  context: OperationContext,
): Promise<CheckpointSummary> {
  const owner = containerName(container);
  const folder = await store.begin(owner, request.name);
  const giveBackPolicy = request.stop ? await holdRestartPolicy(host, container) : async () => {};
  try {
    const parent = await store.current(owner);
    const commit = (captured: Captured) =>
      store.commit(folder, { ...captured, name: request.name, parent, createdAt: new Date().toISOString() });
    // Stopped only when the checkpoint is whole: until then the frozen container is all there is.
    if (request.stop) {
      await capture(host, container, folder, context, async (captured) => {
        await commit(captured);
        await host.docker.killAndWait(container.Id);
      });
    } else await commit(await capture(host, container, folder, context));
    await store.setCurrent(owner, request.name);
    return summaryOf(await requireRecord(store, owner, request.name));
  } catch (error) {
    await store.discard(folder);
    throw error;
  } finally {
    await giveBackPolicy();
  }
}

/** Lets a stopped container, or one that was removed, go on from a checkpoint. */
export async function restoreContainer(
  { host, store }: CheckpointDeps,
  container: ContainerInspect | undefined,
  source: CheckpointSource,
  context: OperationContext,
): Promise<RunResult> {
  const name = container ? containerName(container) : source.record.container;
  const prepared = container
    ? await prepareInPlace(host, container, context)
    : await prepareNew(host, name, source.record.inspect, { fresh: false, imageRef: source.record.image });
  try {
    if (container) await carryLogs(host, container, prepared.id);
    const { drained } = await runAgain(host, prepared.id, source, context);
    return await finish(
      { host, store },
      prepared,
      { name, checkpoint: source.record, drained, downtimeMs: null },
      context,
    );
  } catch (error) {
    await prepared.undo();
    throw error;
  }
}

/** Takes a running container back, memory and files. Fails with the container as it was just before. */
export async function rollbackContainer(
  { host, store }: CheckpointDeps,
  container: ContainerInspect,
  source: CheckpointSource,
  context: OperationContext,
): Promise<RunResult> {
  const name = containerName(container);
  const way = await store.begin(name, `rollback-${randomUUID()}`);
  const prepared = await prepareInPlace(host, container, context);
  let before: CheckpointSource | undefined;
  let frozenAt = 0;
  try {
    const captured = await capture(host, container, way, context, async () => {
      frozenAt = performance.now();
      context.pointOfNoReturn();
      await host.docker.killAndWait(container.Id);
    });
    before = {
      folder: way,
      record: { ...captured, name: "before", parent: null, createdAt: new Date().toISOString() },
    };
    await carryLogs(host, container, prepared.id);
    const { drained } = await runAgain(host, prepared.id, source, context);
    const downtimeMs = Math.round((captured.frozenMs ?? 0) + performance.now() - frozenAt);
    return await finish({ host, store }, prepared, { name, checkpoint: source.record, drained, downtimeMs }, context);
  } catch (error) {
    if (before) await takeBack(host, prepared, before, error, context);
    else await prepared.undo();
    throw error;
  } finally {
    await store.discard(way);
  }
}

/** A second container that goes on from the same instant, with a network and files of its own. */
export async function cloneContainer(
  deps: CheckpointDeps,
  source: CheckpointSource,
  name: string,
  context: OperationContext,
): Promise<RunResult> {
  const volumes = source.record.trees.filter((tree) => tree.kind === "volume").map((tree) => tree.name);
  const prepared = await prepareNew(deps.host, name, source.record.inspect, {
    fresh: true,
    imageRef: source.record.image,
    volumeRenames: Object.fromEntries(volumes.map((volume) => [volume, `${name}_${volume.slice(0, 40)}`])),
  });
  try {
    const { drained } = await runAgain(deps.host, prepared.id, source, context);
    return await finish(deps, prepared, { name, checkpoint: source.record, drained, downtimeMs: null }, context);
  } catch (error) {
    await prepared.undo();
    throw error;
  }
}

/** Captures a running container into a folder that is nobody's checkpoint, for one use. */
export async function withPassingCheckpoint<T>(
  { host, store }: CheckpointDeps,
  container: ContainerInspect,
  context: OperationContext,
  use: (source: CheckpointSource) => Promise<T>,
): Promise<T> {
  const folder = await store.begin(containerName(container), `passing-${randomUUID()}`);
  try {
    const captured = await capture(host, container, folder, context);
    const record = { ...captured, name: "passing", parent: null, createdAt: new Date().toISOString() };
    await store.describe(folder, record);
    return await use({ folder, record });
  } finally {
    await store.discard(folder);
  }
}

async function finish(
  { host, store }: CheckpointDeps,
  prepared: Prepared,
  done: { name: string; checkpoint: CheckpointRecord; drained: Promise<void>; downtimeMs: number | null },
  context: OperationContext,
): Promise<RunResult> {
  context.phase("drain", "It runs; the rest of its memory arrives");
  await context.step("drain", {}, () => done.drained);
  await prepared.keep();
  await store.setCurrent(done.name, done.checkpoint.name);
  return {
    host: host.name,
    container: done.name,
    id: prepared.id,
    checkpoint: done.checkpoint.name,
    downtimeMs: done.downtimeMs,
    totalMs: Math.round(context.steps.reduce((end, step) => Math.max(end, step.at + step.ms), 0)),
    steps: [...context.steps],
    warnings: [...context.warnings],
  };
}

/** After a failed rollback: the container goes on from the instant before it. */
async function takeBack(
  host: Host,
  prepared: Prepared,
  before: CheckpointSource,
  why: unknown,
  context: OperationContext,
): Promise<void> {
  try {
    const { drained } = await runAgain(host, prepared.id, before, context);
    await drained;
    await prepared.keep();
  } catch (error) {
    throw new GodwitError(
      "restore-failed",
      `The rollback failed, and so did the way back: ${(error as Error).message}`,
      {
        hint: "The container is stopped; its other checkpoints can be restored: godwit checkpoint ls",
        cause: why,
      },
    );
  }
}

async function requireRecord(store: CheckpointStore, container: string, name: string): Promise<CheckpointRecord> {
  const record = await store.find(container, name);
  if (record) return record;
  throw new GodwitError("invalid-checkpoint", `Checkpoint '${name}' of '${container}' was not written whole.`);
}
