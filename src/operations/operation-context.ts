import type { Progress, Step } from "../contract/operations.ts";

/** What an action is given to report through, and to learn from that it was cancelled. */
export interface OperationContext {
  readonly id: string;
  /** Aborts with a GodwitError `cancelled` as its reason. Never aborts after `pointOfNoReturn`. */
  readonly signal: AbortSignal;
  /** Changes what the operation is said to be about; what is not named stays. */
  about(change: object): void;
  /** `phase` is a word of the design (preflight, sync, ...), `message` one line for people. */
  phase(phase: string, message: string): void;
  /** May be called often: what comes too fast for a reader is dropped. */
  progress(progress: Progress): void;
  warn(message: string, remedy?: string): void;
  /** Measures `fn` and reports it as a step, also if it fails. */
  step<T>(name: string, options: StepOptions, fn: () => Promise<T>): Promise<T>;
  /** Reports a step that was measured already, e.g. by the other side. */
  record(step: Step): void;
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
  /** From now on cancel is refused. Throws the reason if the operation was cancelled before. */
  pointOfNoReturn(): void;
}

export interface StepOptions {
  /** Whether the container stands still meanwhile; by default it does not. */
  switchover?: boolean;
  /** By default `source`. */
  side?: Step["side"];
}

/** What an operation does. What it resolves to becomes the operation's result and must be JSON. */
export type OperationBody = (context: OperationContext) => Promise<unknown>;
