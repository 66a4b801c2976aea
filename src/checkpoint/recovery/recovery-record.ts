import * as z from "zod";
import type { Journal } from "../../journal/journal.ts";
import type { OperationContext } from "../../operations/operation-context.ts";

/** Kind of the journal's records of what is under way on this host's containers; one an operation, by its id. */
export const recoveryKind = "unfinished";

/** A container that a checkpoint is run in, and what it takes the place of. */
export const preparedRecord = z.object({
  /** That it has in the end. */
  name: z.string(),
  /** That it has until it runs, so that the container which it takes the place of keeps its own. */
  transientName: z.string(),
  /** Null until it is there. */
  id: z.string().nullable(),
  /** Whether it is made for this; otherwise it was there before, and stays. */
  made: z.boolean(),
  /** The container that it takes the place of; it is removed once this one runs. */
  original: z.string().nullable(),
  /** Restart policy that it has in the end; it, or the original, is held at `no` until then. */
  policy: z.looseObject({ Name: z.string().nullish() }).nullable(),
  /** Volumes that are made for it. */
  volumes: z.array(z.string()),
});
export type PreparedRecord = z.infer<typeof preparedRecord>;

/** What must be put right if an action does not come to its end, by failure or by the agent's death. Written before each step. */
export const recoveryState = z.object({
  container: z.string(),
  checkpoint: z.string().nullable(),
  startedAt: z.iso.datetime(),
  /** Id of the container that it freezes. */
  frozen: z.string().nullable(),
  /** Restart policy of that container, where it is held at `no` without anything being prepared. */
  heldPolicy: z.looseObject({ Name: z.string().nullish() }).nullable(),
  /** Folder of the store that is nobody's checkpoint. */
  folder: z.string().nullable(),
  prepared: preparedRecord.nullable(),
  /** Folders of files that another tree takes the place of (staged-trees.ts). */
  swaps: z.array(z.string()),
  /** Networks that the frozen container was taken off, with what it is connected by again. */
  detached: z.array(z.object({ network: z.string(), endpoint: z.record(z.string(), z.unknown()) })),
  /** From now on the prepared container may run, so that the frozen one must not. */
  released: z.boolean(),
  /** The prepared container runs and has all its memory: it stays, and what it takes the place of goes. */
  kept: z.boolean(),
});
export type RecoveryState = z.infer<typeof recoveryState>;

/** The record of one action. */
export class RecoveryRecord {
  readonly state: RecoveryState;
  readonly #journal: Journal;
  readonly #operation: string;

  constructor(journal: Journal, operation: string, state: RecoveryState) {
    this.#journal = journal;
    this.#operation = operation;
    this.state = state;
  }

  static begin(
    journal: Journal,
    { id }: OperationContext,
    { container, checkpoint }: { container: string; checkpoint: string | null },
  ): RecoveryRecord {
    const nothing = {
      ...{ frozen: null, heldPolicy: null, folder: null, prepared: null },
      ...{ swaps: [], detached: [], released: false, kept: false },
    };
    return new RecoveryRecord(journal, id, { container, checkpoint, startedAt: new Date().toISOString(), ...nothing });
  }

  /** Durable when it returns: what follows from the change may be done. */
  save(change: Partial<RecoveryState>): void {
    Object.assign(this.state, change);
    this.#journal.putRecord(recoveryKind, this.#operation, this.state);
  }

  forget(): void {
    this.#journal.deleteRecord(recoveryKind, this.#operation);
  }
}
