import { type DestinationState, destinationMayRun } from "../../src/migration/baton/destination.ts";
import { type SourceState, sourceMayRun } from "../../src/migration/baton/source.ts";

export type Original = "running" | "frozen" | "dead";
/** `debris`: processes that a failed restore left behind; nobody knows what they would do. */
export type Copy = "none" | "restoring" | "debris" | "running" | "exited" | "dead";

export interface TwoHosts {
  /** As the journals have them. */
  source: SourceState;
  destination: DestinationState | undefined;
  original: Original;
  copy: Copy;
  /** The operator has said that the destination is gone. */
  forced: boolean;
}

/** What holds at every instant. @throws what does not */
export function checkInvariants({ source, destination, original, copy, forced }: TwoHosts): void {
  const copyLives = ["restoring", "debris", "running"].includes(copy);
  must(!(original === "running" && copyLives), "two copies run");
  must(!copyLives || destinationMayRun(destination), "a copy runs without the baton");
  must(original !== "running" || sourceMayRun(source), "the original runs without the baton");
  if (!forced) must(!(sourceMayRun(source) && destinationMayRun(destination)), "both hold the baton");
}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
