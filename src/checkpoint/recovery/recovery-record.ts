import * as z from "zod";
import type { Journal } from "../../journal/journal.ts";
import type { OperationContext } from "../../operations/operation-context.ts";

/** Kind of these records in the journal; each has the id of its operation. */
export const recoveryKind = "unfinished";

/** The container that a checkpoint runs in, and the one that it replaces. */
export const preparedRecord = z.object({
  /** Its name in the end. */
  name: z.string(),
  /** Its name until it runs, so that the container that it replaces keeps its own name. */
  transientName: z.string(),
  /** Null until the container exists. */
  id: z.string().nullable(),
  /** Whether it was created for this. Otherwise it existed before, and stays. */
  made: z.boolean(),
  /** The container that it replaces. That one is removed once this one runs. */
  original: z.string().nullable(),
  /** Its restart policy in the end. Until then its own or the original's is held at `no`. */
  policy: z.looseObject({ Name: z.string().nullish() }).nullable(),
  /** Volumes that were created for it. */
  volumes: z.array(z.string()),
});
export type PreparedRecord = z.infer<typeof preparedRecord>;

/** What must be undone or completed if an action fails or the agent dies. Written before each step. */
export const recoveryState = z.object({
  container: z.string(),
  checkpoint: z.string().nullable(),
  startedAt: z.iso.datetime(),
  /** Id of the container that the action freezes. */
  frozen: z.string().nullable(),
  /** Restart policy of that container, if it is held at `no` and no container is prepared. */
  heldPolicy: z.looseObject({ Name: z.string().nullish() }).nullable(),
  /** Folder in the store that is not a checkpoint yet. */
  folder: z.string().nullable(),
  /** Space in memory, where the container's memory is copied to while it runs. */
  space: z.string().nullable().default(null),
  prepared: preparedRecord.nullable(),
  /** Folders that saved trees replace (staged-trees.ts). */
  swaps: z.array(z.string()),
  /** Networks that the frozen container was taken off, with the settings to connect it again. */
  detached: z.array(z.object({ network: z.string(), endpoint: z.record(z.string(), z.unknown()) })),
  /** From now on the prepared container may run, so the frozen one must not. */
  released: z.boolean(),
  /** The prepared container runs and has all its memory: it stays, and what it replaces is removed. */
  kept: z.boolean(),
});
export type RecoveryState = z.infer<typeof recoveryState>;

/** The recovery record of one action. */
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
      ...{ frozen: null, heldPolicy: null, folder: null, space: null, prepared: null },
      ...{ swaps: [], detached: [], released: false, kept: false },
    };
    return new RecoveryRecord(journal, id, { container, checkpoint, startedAt: new Date().toISOString(), ...nothing });
  }

  /** The change is durable when this returns, so the action may continue. */
  save(change: Partial<RecoveryState>): void {
    Object.assign(this.state, change);
    this.#journal.putRecord(recoveryKind, this.#operation, this.state);
  }

  forget(): void {
    this.#journal.deleteRecord(recoveryKind, this.#operation);
  }
}
