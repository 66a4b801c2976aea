import type { BatonAnswer, BatonOffer } from "../../../contract/peer/messages.ts";

/**
 * What the source of one migration does to the world. Each effect is harmless when it is repeated, also beside an earlier try that
 * still runs, and rejects where it does not hold. The real ones are thaw-and-end.ts and ask-destination.ts; tests have a fake whose every action can fail.
 */
export interface SourceWorld {
  /** Resolves when all processes of the original run, with their network. @returns whether it has any */
  thaw(): Promise<boolean>;
  /** Gives the original the restart policy that the record holds. */
  restoreRestartPolicy(): Promise<void>;
  /** Resolves when no process of the original is left. */
  kill(): Promise<void>;
  /** Removes the original, which is dead, and its volumes. */
  remove(): Promise<void>;
  /**
   * Nobody but `kill` can end the frozen original from now on: a `docker restart` must not begin it from scratch beside the copy, nor
   * take the memory that the copy still needs. Where the host cannot do that, nothing happens; where it fails, the log says so.
   */
  protect(): void;
  /** Resets connections that the copy does not continue: their peers learn it at once. */
  resetConnections(): void;
  /** Offers the baton. All three reject where no answer came: the destination may have acted on the question, or not. */
  offer(offer: BatonOffer): Promise<BatonAnswer>;
  askBaton(question: { revoke: boolean; forced: boolean }): Promise<BatonAnswer>;
  /** Answered when the destination needs nothing more, or after a while without news. */
  askCompleted(): Promise<BatonAnswer>;
}
