import { setTimeout as sleep } from "node:timers/promises";
import { errorReport, GodwitError } from "../contract/errors.ts";
import type { EventBody, Operation, Progress, Step } from "../contract/operations.ts";
import type { OperationBody, OperationContext, StepOptions } from "./operation-context.ts";

/** A reader's eye needs no more than this; the end of a phase is always reported. */
const progressIntervalMs = 100;
const journalRetryMs = 1000;

export interface RunningOptions {
  monotonic: () => number;
  emit: (event: EventBody) => void;
  changed: (operation: Operation) => void;
  end: (operation: Operation) => void;
}

/** One operation while its body runs. `ended` resolves after it was journalled; it never rejects. */
export class RunningOperation implements OperationContext {
  operation: Operation;
  readonly ended: Promise<void>;
  readonly steps: Step[] = [];
  readonly warnings: string[] = [];
  readonly #options: RunningOptions;
  readonly #abort = new AbortController();
  readonly #begin: number;
  #lastProgress = Number.NEGATIVE_INFINITY;

  constructor(operation: Operation, body: OperationBody, options: RunningOptions) {
    this.operation = operation;
    this.#options = options;
    this.#begin = options.monotonic();
    this.ended = this.#run(body);
  }

  get id(): string {
    return this.operation.id;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  about(change: object): void {
    this.#change({ about: { ...(this.operation.about as object | null), ...change } });
  }

  phase(phase: string, message: string): void {
    if (this.operation.phase !== phase) this.#change({ phase });
    this.#options.emit({ type: "phase", phase, message });
  }

  progress(progress: Progress): void {
    const now = this.#options.monotonic();
    if (progress.bytesRemaining > 0 && now - this.#lastProgress < progressIntervalMs) return;
    this.#lastProgress = now;
    // It changes often. The journal has it in the event, and in the operation when that ends.
    this.operation = { ...this.operation, progress };
    this.#options.emit({ type: "progress", progress });
  }

  warn(message: string, remedy?: string): void {
    this.warnings.push(message);
    this.#options.emit({ type: "warning", message, ...(remedy === undefined ? {} : { remedy }) });
  }

  async step<T>(name: string, options: StepOptions, fn: () => Promise<T>): Promise<T> {
    const begin = this.#options.monotonic();
    try {
      return await fn();
    } finally {
      this.record({
        name,
        side: options.side ?? "source",
        at: begin - this.#begin,
        ms: this.#options.monotonic() - begin,
        switchover: options.switchover ?? false,
      });
    }
  }

  record(step: Step): void {
    this.steps.push(step);
    this.#options.emit({ type: "step", step });
  }

  pointOfNoReturn(): void {
    this.signal.throwIfAborted();
    if (!this.operation.cancellable) return;
    this.#change({ cancellable: false });
  }

  /** @throws GodwitError busy */
  cancel(): void {
    if (this.signal.aborted) return;
    const { kind, container } = this.operation;
    if (!this.operation.cancellable) {
      throw new GodwitError("busy", `The operation '${kind}' on '${container}' cannot be cancelled any more.`, {
        hint: `It must come to its end now; see how far it is: godwit operations watch ${this.operation.id}`,
      });
    }
    this.#abort.abort(new GodwitError("cancelled", `The operation '${kind}' on '${container}' was cancelled.`));
  }

  #change(change: Partial<Operation>): void {
    this.operation = { ...this.operation, ...change };
    this.#options.changed(this.operation);
  }

  async #run(body: OperationBody): Promise<void> {
    // The caller of start() gets the operation before its body does anything.
    await Promise.resolve();
    try {
      this.signal.throwIfAborted();
      const result = (await body(this)) ?? null;
      await this.#end({ ...this.operation, state: "done", result });
    } catch (thrown) {
      const cancelled = causedBy(thrown, this.signal);
      const error = errorReport(cancelled ? this.signal.reason : thrown);
      await this.#end({ ...this.operation, state: cancelled ? "cancelled" : "failed", error });
    }
  }

  /** What came of it stays true while the journal cannot be written: it is noted as soon as the journal can. */
  async #end(operation: Operation): Promise<void> {
    for (;;) {
      try {
        return this.#options.end(operation);
      } catch {
        await sleep(journalRetryMs, undefined, { ref: false });
      }
    }
  }
}

/** Whether the cancel is what ended the body; a failure while it was undoing things is told as a failure. */
function causedBy(thrown: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error === signal.reason || error.name === "AbortError") return true;
    if (error instanceof GodwitError && error.code === "cancelled") return true;
  }
  return false;
}
