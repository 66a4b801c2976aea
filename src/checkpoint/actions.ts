import { randomUUID } from "node:crypto";
import type { CheckpointSummary } from "../contract/checkpoint.ts";
import { GodwitError } from "../contract/errors.ts";
import type { RunResult } from "../contract/routes.ts";
import { containerName } from "../host/container/facts.ts";
import type { ContainerInspect } from "../host/docker/inspect.ts";
import type { Host } from "../host/host.ts";
import type { OperationContext } from "../journal/operation-context.ts";
import { type Captured, capture } from "./capture.ts";
import type { CheckpointDeps } from "./deps.ts";
import {
  carryLogs,
  givePolicy,
  holdPolicy,
  keepPrepared,
  policyToHold,
  prepareInPlace,
  prepareNew,
} from "./recreate.ts";
import { type CheckpointSource, runAgain } from "./run-again.ts";
import { settlePatiently } from "./settle.ts";
import { summaryOf } from "./store.ts";
import { Unfinished } from "./unfinished.ts";

export type { CheckpointDeps } from "./deps.ts";

/** So long an action that failed waits for a Docker that does not answer, to put things back; otherwise the agent's next start does. */
const dockerPatienceMs = 30_000;

/** Keeps a running container's memory and files. With `stop` the container ends with it, otherwise it runs on. */
export async function createCheckpoint(
  deps: CheckpointDeps,
  container: ContainerInspect,
  request: { name: string; stop: boolean },
  context: OperationContext,
): Promise<CheckpointSummary> {
  const { host, store } = deps;
  const owner = containerName(container);
  return undertake(deps, owner, request.name, context, async (unfinished) => {
    const folder = await store.begin(owner, request.name);
    unfinished.save({ folder: folder.path });
    const heldPolicy = request.stop ? policyToHold(container) : null;
    if (heldPolicy) unfinished.save({ frozen: container.Id, heldPolicy });
    await holdPolicy(host, container.Id, heldPolicy);
    const parent = await store.current(owner);
    const commit = async (captured: Captured) => {
      const record = { ...captured, name: request.name, parent, createdAt: new Date().toISOString() };
      await store.commit(folder, record);
      return summaryOf(record);
    };
    // Stopped only when the checkpoint is whole: until then the frozen container is all there is.
    let stopped: CheckpointSummary | undefined;
    const stop = async (captured: Captured) => {
      stopped = await commit(captured);
      await host.docker.killAndWait(container.Id);
    };
    const captured = await capture(host, container, folder, unfinished, context, request.stop ? stop : undefined);
    const summary = stopped ?? (await commit(captured));
    await store.setCurrent(owner, request.name);
    await givePolicy(host, container.Id, heldPolicy);
    return summary;
  });
}

/** Lets a stopped container, or one that was removed, go on from a checkpoint. */
export async function restoreContainer(
  deps: CheckpointDeps,
  container: ContainerInspect | undefined,
  source: CheckpointSource,
  context: OperationContext,
): Promise<RunResult> {
  const { host } = deps;
  const { record } = source;
  const name = container ? containerName(container) : record.container;
  return undertake(deps, name, record.name, context, async (unfinished) => {
    const id = container
      ? await prepareInPlace(host, container, unfinished, context)
      : await prepareNew(host, name, record.inspect, unfinished, { fresh: false, imageRef: record.image });
    if (container) await carryLogs(host, container, id);
    const { drained } = await runAgain(host, id, source, context);
    return finish(deps, unfinished, { name, checkpoint: record.name, drained, downtimeMs: null }, context);
  });
}

/** Takes a running container back, memory and files. Fails with the container as it was just before. */
export async function rollbackContainer(
  deps: CheckpointDeps,
  container: ContainerInspect,
  source: CheckpointSource,
  context: OperationContext,
): Promise<RunResult> {
  const { host, store } = deps;
  const name = containerName(container);
  return undertake(deps, name, source.record.name, context, async (unfinished) => {
    const wayName = `before-rollback-${randomUUID().slice(0, 8)}`;
    const way = await store.begin(name, wayName);
    unfinished.save({ folder: way.path });
    const id = await prepareInPlace(host, container, unfinished, context);
    let frozenAt = 0;
    const { frozenMs } = await capture(host, container, way, unfinished, context, async (captured) => {
      frozenAt = performance.now();
      context.pointOfNoReturn();
      await store.describe(way, { ...captured, name: wayName, parent: null, createdAt: new Date().toISOString() });
      unfinished.save({ ended: true });
      await host.docker.killAndWait(container.Id);
    });
    await carryLogs(host, container, id);
    const { drained } = await runAgain(host, id, source, context);
    const downtimeMs = Math.round((frozenMs ?? 0) + performance.now() - frozenAt);
    const result = await finish(
      deps,
      unfinished,
      { name, checkpoint: source.record.name, drained, downtimeMs },
      context,
    );
    await store.discard(way);
    return result;
  });
}

/** A second container that goes on from the same instant, with a network and files of its own. */
export async function cloneContainer(
  deps: CheckpointDeps,
  source: CheckpointSource,
  name: string,
  context: OperationContext,
): Promise<RunResult> {
  return undertake(deps, name, source.record.name, context, (unfinished) =>
    runClone(deps, source, name, unfinished, context),
  );
}

/** A clone of a running container, here or by `elsewhere`, which is given what it goes on from. */
export async function cloneRunning(
  deps: CheckpointDeps,
  container: ContainerInspect,
  name: string,
  context: OperationContext,
  elsewhere?: (source: CheckpointSource) => Promise<RunResult>,
): Promise<RunResult> {
  const { host, store } = deps;
  return undertake(deps, name, null, context, async (unfinished) => {
    const folder = await store.begin(containerName(container), `passing-${randomUUID()}`);
    unfinished.save({ folder: folder.path });
    const captured = await capture(host, container, folder, unfinished, context);
    const record = { ...captured, name: passingName, parent: null, createdAt: new Date().toISOString() };
    await store.describe(folder, record);
    const source = { folder, record };
    const result = elsewhere ? await elsewhere(source) : await runClone(deps, source, name, unfinished, context);
    await store.discard(folder);
    return result;
  });
}

async function runClone(
  deps: CheckpointDeps,
  source: CheckpointSource,
  name: string,
  unfinished: Unfinished,
  context: OperationContext,
): Promise<RunResult> {
  const { record } = source;
  const volumes = record.trees.filter((tree) => tree.kind === "volume").map((tree) => tree.name);
  const id = await prepareNew(deps.host, name, record.inspect, unfinished, {
    fresh: true,
    imageRef: record.image,
    volumeRenames: Object.fromEntries(volumes.map((volume) => [volume, `${name}_${volume.slice(0, 40)}`])),
  });
  const { drained } = await runAgain(deps.host, id, source, context);
  return finish(deps, unfinished, { name, checkpoint: keptName(record), drained, downtimeMs: null }, context);
}

/** What a clone of a running container goes on from is nobody's checkpoint; no user can give one this name. */
const passingName = ".passing";
const keptName = ({ name }: { name: string }) => (name === passingName ? null : name);

/** Whatever happens to `act`, also the end of this agent: the container goes on, from where it was or from the checkpoint. */
async function undertake<T>(
  deps: CheckpointDeps,
  container: string,
  checkpoint: string | null,
  context: OperationContext,
  act: (unfinished: Unfinished) => Promise<T>,
): Promise<T> {
  const unfinished = Unfinished.begin(deps.journal, context, { container, checkpoint });
  try {
    const result = await act(unfinished);
    unfinished.forget();
    return result;
  } catch (error) {
    await settlePatiently(deps, unfinished, context, AbortSignal.timeout(dockerPatienceMs));
    throw isFull(error) ? noRoom(deps.host, error) : error;
  }
}

const isFull = (error: unknown) =>
  error instanceof GodwitError
    ? error.code === "no-space" || [error.message, ...error.details].some((line) => /no space left/i.test(line))
    : (error as NodeJS.ErrnoException).code === "ENOSPC";

function noRoom(host: Host, cause: unknown): GodwitError {
  return new GodwitError(
    "no-space",
    `There is not enough room on ${host.name} where checkpoints or containers are kept.`,
    {
      hint: "Remove checkpoints that are not needed any more (godwit checkpoint ls, godwit checkpoint rm), or see: df -h /var/lib",
      cause,
    },
  );
}

async function finish(
  { host, store }: CheckpointDeps,
  unfinished: Unfinished,
  done: { name: string; checkpoint: string | null; drained: Promise<void>; downtimeMs: number | null },
  context: OperationContext,
): Promise<RunResult> {
  context.phase("drain", "It runs; the rest of its memory arrives");
  await context.step("drain", {}, () => done.drained);
  const { prepared } = unfinished.record;
  if (prepared) await keepPrepared(host, prepared);
  if (done.checkpoint !== null) await store.setCurrent(done.name, done.checkpoint);
  return {
    host: host.name,
    container: done.name,
    id: prepared?.id ?? "",
    checkpoint: done.checkpoint,
    downtimeMs: done.downtimeMs,
    totalMs: Math.round(context.steps.reduce((end, step) => Math.max(end, step.at + step.ms), 0)),
    steps: [...context.steps],
    warnings: [...context.warnings],
  };
}
