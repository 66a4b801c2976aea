import type { BatonOffer } from "../../../contract/peer/messages.ts";

export interface RestoredContainer {
  /** Settles when every page is in the container, or rejects when one never will be: the container is dead then. */
  drained: Promise<void>;
}

/**
 * What the destination of one migration does to the world. Each effect is harmless when it is repeated, also beside an earlier try
 * that still runs, and rejects where it does not hold. The real ones are in switchover.ts and release-and-end.ts; tests have a fake whose every action can fail.
 */
export interface DestinationWorld {
  /** Restores the container, and resolves when it runs and is verified. */
  restore(offer: BatonOffer): Promise<RestoredContainer>;
  /** After a restart of the agent: whether the container was restored, even if it has ended since. @throws where that is not known */
  wasRestored(): Promise<boolean>;
  /** After a restart of the agent: goes on bringing memory. */
  drainAgain(): RestoredContainer;
  /** From now on the runtime hook treats the container as an ordinary one. */
  release(): Promise<void>;
  /** Gives the container its restart policy: from now on Docker may start it by itself. */
  restoreRestartPolicy(): Promise<void>;
  /** Releases the room of its memory images. */
  freeRoom(): Promise<void>;
  /** Resolves when no process of the copy is left, and none can come. */
  kill(why: string): Promise<void>;
  /** Removes all that was made here for the migration. */
  discard(): Promise<void>;
}
