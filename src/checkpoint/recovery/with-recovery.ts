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

/** So long an action that failed waits for a Docker that does not answer, to put things back; otherwise the agent's next start does. */
const dockerPatienceMs = 30_000;

/** What is told of an action that failed, around the reason. */
export interface FailureWords {
  /** "'web' could not be rolled back to 'cp'" */
  failed: string;
  /** Where the container is then: "and runs on as it was". */
  left: string;
  /** For a reason that has no hint of its own. */
  hint?: string;
}

/** Whatever happens to `act`, also the end of this agent: the container goes on, from where it was or from the checkpoint. */
export async function withRecovery<T>(
  deps: CheckpointDeps,
  container: string,
  checkpoint: string | null,
  words: FailureWords,
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
      context.warn(`'${container}' runs from the checkpoint all the same.`);
      throw reason;
    }
    throw inWords(reason, words, await whatEnded(deps.host, recovery));
  }
}

function inWords(error: unknown, { failed, left, hint }: FailureWords, ended: string | undefined): unknown {
  const tried = error instanceof GodwitError && (errorCatalogue[error.code].exit >= 6 || error.code === "no-space");
  if (!tried || error.code === "cancelled") return error;
  return new GodwitError(error.code, `${failed}, ${ended ?? left}: ${error.message}`, {
    hint: error.hint ?? hint,
    details: error.details,
    cause: error,
  });
}

/** What to say of a container that was frozen, and does not run any more: somebody, or Docker, ended it. */
async function whatEnded(host: Host, { state }: RecoveryRecord): Promise<string | undefined> {
  const found = state.frozen ? await host.docker.find(state.frozen).catch(() => undefined) : undefined;
  if (!found || found.State.Running) return undefined;
  return `and '${containerName(found)}' has ended meanwhile, with status ${found.State.ExitCode}`;
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
  recovery: RecoveryRecord,
  { name, checkpoint, drained, downtimeMs }: Begun,
  context: OperationContext,
): Promise<RunResult> {
  context.phase("drain", "It runs; the rest of its memory arrives");
  await context.step("drain", {}, () => drained);
  recovery.save({ kept: true });
  const { prepared, swaps, frozen } = recovery.state;
  if (frozen) for (const done of meddled(await host.docker.find(frozen), name)) context.warn(done);
  if (prepared) await keepPrepared(host, prepared);
  for (const left of await keepSwap(swaps))
    context.warn(
      `Another container has the files mounted that '${name}' had before; they were left in ${left}.`,
      "Look at what is in there, and remove it when nobody uses it any more.",
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

/** What somebody did to the frozen original, and what has become of it: a sentence each. */
export function meddled(original: ContainerInspect | undefined, name: string): string[] {
  if (!original) return [`'${name}' was removed meanwhile; it is there again, and runs from the checkpoint.`];
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
  return new GodwitError(
    "no-space",
    `There is not enough room on ${host.name} where checkpoints or containers are kept.`,
    {
      hint: "Remove checkpoints that are not needed any more (godwit checkpoint ls, godwit checkpoint rm), or see: df -h /var/lib",
      cause,
    },
  );
}
