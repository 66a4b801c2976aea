import { errorCatalogue, GodwitError } from "../../contract/errors.ts";
import type { RunResult } from "../../contract/routes.ts";
import { containerName } from "../../host/container/facts.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { Host } from "../../host/host.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import { keepPrepared } from "../container/recreate.ts";
import { keepSwap } from "../container/staged-trees.ts";
import type { CheckpointDeps } from "../deps.ts";
import { RecoveryRecord } from "./recovery-record.ts";
import { settlePatiently } from "./settle.ts";

/** How long a failed action waits for Docker to answer, to settle. After that the agent's next start settles it. */
const dockerPatienceMs = 30_000;

/** The sentence about a failed action, around the reason. */
export interface FailureSentence {
  /** "'web' could not be rolled back to 'cp'" */
  failed: string;
  /** The state of the container then: "and keeps running as it was". */
  left: string;
  /** The hint, if the reason has none. */
  hint?: string;
}

/** Runs `act`. If `act` fails or this agent ends, the container is as it was before, or it runs from the checkpoint. */
export async function withRecovery<T>(
  deps: CheckpointDeps,
  container: string,
  checkpoint: string | null,
  sentence: FailureSentence,
  context: OperationContext,
  act: (recovery: RecoveryRecord) => Promise<T>,
): Promise<T> {
  const recovery = RecoveryRecord.begin(deps.journal, context, { container, checkpoint });
  try {
    const result = await act(recovery);
    recovery.forget();
    return result;
  } catch (error) {
    const runs = await settlePatiently(deps, recovery, AbortSignal.timeout(dockerPatienceMs));
    const reason = isFull(error) ? noRoom(deps.host, error) : error;
    if (runs !== undefined) {
      context.warn(`'${container}' runs from the checkpoint nevertheless.`);
      throw reason;
    }
    throw explained(reason, sentence, await whatEnded(deps.host, recovery));
  }
}

function explained(error: unknown, { failed, left, hint }: FailureSentence, ended: string | undefined): unknown {
  const tried = error instanceof GodwitError && (errorCatalogue[error.code].exit >= 6 || error.code === "no-space");
  if (!tried || error.code === "cancelled") return error;
  return new GodwitError(error.code, `${failed}, ${ended ?? left}: ${error.message}`, {
    hint: error.hint ?? hint,
    details: error.details,
    cause: error,
  });
}

/** A clause about the frozen container, if somebody or Docker has ended it. */
async function whatEnded(host: Host, { state }: RecoveryRecord): Promise<string | undefined> {
  const found = state.frozen ? await host.engine.find(state.frozen).catch(() => undefined) : undefined;
  if (!found || found.State.Running) return undefined;
  return `and '${containerName(found)}' has ended meanwhile, with status ${found.State.ExitCode}`;
}

/** A container that has started to run from a checkpoint. */
export interface Begun {
  name: string;
  checkpoint: string | null;
  drained: Promise<void>;
  downtimeMs: number | null;
}

/** Waits for the container's memory, then puts it in the place of the original. */
export async function finish(
  { host, store }: CheckpointDeps,
  recovery: RecoveryRecord,
  { name, checkpoint, drained, downtimeMs }: Begun,
  context: OperationContext,
): Promise<RunResult> {
  context.phase("drain", "The container runs; the rest of its memory arrives");
  await context.step("drain", {}, () => drained);
  recovery.save({ kept: true });
  const { prepared, swaps, frozen } = recovery.state;
  if (frozen) for (const done of userChanges(await host.engine.find(frozen), name)) context.warn(done);
  if (prepared) await keepPrepared(host, prepared);
  for (const left of await keepSwap(swaps))
    context.warn(
      `Another container has the former files of '${name}' mounted. They are now in ${left}.`,
      "Remove that folder when nobody needs it.",
    );
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

/** A sentence for each thing that somebody did to the frozen original, with its effect. */
export function userChanges(original: ContainerInspect | undefined, name: string): string[] {
  if (!original) return [`'${name}' was removed meanwhile. It exists again, and runs from the checkpoint.`];
  const said: string[] = [];
  if (!original.State.Running)
    said.push(`'${name}' ended or was stopped meanwhile; it runs again, from the checkpoint.`);
  const now = containerName(original);
  if (now !== name) said.push(`'${name}' was renamed to '${now}' meanwhile; it has its former name again.`);
  const policy = original.HostConfig.RestartPolicy?.Name || "no";
  if (policy !== "no")
    said.push(`The restart policy of '${name}' was set to '${policy}' meanwhile; it has its former one again.`);
  return said;
}

const isFull = (error: unknown) =>
  error instanceof GodwitError
    ? error.code === "no-space" || [error.message, ...error.details].some((line) => /no space left/i.test(line))
    : (error as NodeJS.ErrnoException).code === "ENOSPC";

function noRoom(host: Host, cause: unknown): GodwitError {
  if (cause instanceof GodwitError && cause.code === "no-space") return cause;
  return new GodwitError("no-space", `${host.name} has not enough disk space for checkpoints or containers.`, {
    hint: "Remove checkpoints that nobody needs (godwit checkpoint ls, godwit checkpoint rm). See the free space with: df -h /var/lib",
    cause,
  });
}
