import { GodwitError } from "../contract/errors.ts";
import type { RunResult } from "../contract/routes.ts";
import type { Host } from "../host/host.ts";
import type { OperationContext } from "../journal/operation-context.ts";
import type { CheckpointDeps } from "./deps.ts";
import { keepPrepared } from "./recreate.ts";
import { settlePatiently } from "./settle.ts";
import { keepSwap } from "./staged-trees.ts";
import { Unfinished } from "./unfinished.ts";

/** So long an action that failed waits for a Docker that does not answer, to put things back; otherwise the agent's next start does. */
const dockerPatienceMs = 30_000;

/** Whatever happens to `act`, also the end of this agent: the container goes on, from where it was or from the checkpoint. */
export async function withRecovery<T>(
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
    const runs = await settlePatiently(deps, unfinished, AbortSignal.timeout(dockerPatienceMs));
    if (runs !== undefined) context.warn(`'${container}' runs from the checkpoint all the same.`);
    throw isFull(error) ? noRoom(deps.host, error) : error;
  }
}

/** What has come to run, from its first moment to its result. */
export interface Begun {
  name: string;
  checkpoint: string | null;
  drained: Promise<void>;
  downtimeMs: number | null;
}

/** Waits for its memory, then gives it the place of what it replaces. */
export async function finish(
  { host, store }: CheckpointDeps,
  unfinished: Unfinished,
  { name, checkpoint, drained, downtimeMs }: Begun,
  context: OperationContext,
): Promise<RunResult> {
  context.phase("drain", "It runs; the rest of its memory arrives");
  await context.step("drain", {}, () => drained);
  unfinished.save({ kept: true });
  const { prepared, swaps } = unfinished.record;
  if (prepared) await keepPrepared(host, prepared);
  await keepSwap(swaps);
  const id = prepared?.id ?? "";
  if (checkpoint !== null) await store.setCurrent(name, checkpoint);
  return {
    host: host.name,
    container: name,
    id,
    checkpoint,
    downtimeMs,
    totalMs: Math.round(context.steps.reduce((end, step) => Math.max(end, step.at + step.ms), 0)),
    steps: [...context.steps],
    warnings: [...context.warnings],
  };
}

const isFull = (error: unknown) =>
  error instanceof GodwitError
    ? error.code === "no-space" || [error.message, ...error.details].some((line) => /no space left/i.test(line))
    : (error as NodeJS.ErrnoException).code === "ENOSPC";

function noRoom(host: Host, cause: unknown): GodwitError {
  if (cause instanceof GodwitError && cause.code === "no-space") return cause;
  return new GodwitError(
    "no-space",
    `There is not enough room on ${host.name} where checkpoints or containers are kept.`,
    {
      hint: "Remove checkpoints that are not needed any more (godwit checkpoint ls, godwit checkpoint rm), or see: df -h /var/lib",
      cause,
    },
  );
}
