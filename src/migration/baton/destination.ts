import * as z from "zod";
import type { BatonStatus } from "../../contract/peer/messages.ts";

/* The destination's half of the baton; its contract stands in source.ts. */

export const destinationState = z.discriminatedUnion("at", [
  /** Prepared; an offer would be taken. */
  z.object({ at: z.literal("waiting") }),
  /** The restore may be under way. `killing`: it failed or is unwanted; what there is of it is being ended. */
  z.object({ at: z.literal("taken"), killing: z.boolean() }),
  /** Restored and verified; the container may have ended by itself since. */
  z.object({ at: z.literal("running"), complete: z.boolean(), killing: z.boolean() }),
  /** Every process of the copy is dead, and none will come. */
  z.object({ at: z.literal("returned") }),
  /** No offer of this migration will be taken. */
  z.object({ at: z.literal("refused") }),
]);
export type DestinationState = z.infer<typeof destinationState>;

export const destinationStart: DestinationState = { at: "waiting" };

export type DestinationInput =
  /** The source announced the migration. One that was revoked before its announcement came stays refused. */
  | { type: "prepare" }
  | { type: "offer" }
  | { type: "ask" }
  /** `forced`: the operator gave the container back to the source; a copy that runs here must end. */
  | { type: "revoke"; forced: boolean }
  /** This side cannot take it (its own check, a cancel here, something missing). Too late once it was taken. */
  | { type: "refuse" }
  /** CRIU restored it and the processes are the dumped ones. `complete`: nothing more is needed from the source. */
  | { type: "restored"; complete: boolean }
  | { type: "restore-failed" }
  /** Post-copy: no page is missing any more. */
  | { type: "drained" }
  /** A page can never arrive any more; without it the container must not run. */
  | { type: "drain-failed" }
  /** The order `kill-copy` is carried out: no process of the copy is left, and no pending restore can start one. */
  | { type: "copy-dead" }
  /** `verified`: the dumped processes run here, or there is proof that they did and ended by themselves. */
  | { type: "restarted"; verified: boolean; complete: boolean };

export type DestinationAction =
  /** Start the restore; its end comes back as `restored` or `restore-failed`. */
  | { do: "restore" }
  /** Disarm the runtime hook and kill every process of the copy; its end comes back as `copy-dead`. */
  | { do: "kill-copy" }
  /** Remove what was prepared here: container, images, reservations. */
  | { do: "discard" }
  /** Answer every request that waits for it. */
  | { do: "answer"; status: BatonStatus; complete: boolean };

interface DestinationTransition {
  /** Undefined where this migration is unknown here and stays so: there is nothing to write. */
  state: DestinationState | undefined;
  actions: DestinationAction[];
}

type MayRun = Extract<DestinationState, { killing: boolean }>;

/** Whether processes of the copy may run. A restore resumes them before it can be verified, hence `taken`. */
export function destinationMayRun(state: DestinationState | undefined): state is MayRun {
  return state?.at === "taken" || state?.at === "running";
}

/** The status that a state stands for. Nothing was taken of a migration that is unknown. */
export function statusOf(state: DestinationState | undefined): BatonStatus {
  return state?.at ?? "waiting";
}

export function destinationStep(state: DestinationState | undefined, input: DestinationInput): DestinationTransition {
  switch (input.type) {
    case "prepare":
      return answer(state ?? destinationStart);
    case "offer":
      // Unknown: nothing was prepared for it, and it must not be taken by a later preparation of the same id.
      if (state === undefined) return end("refused");
      if (state.at !== "waiting") return answer(state);
      return answer({ at: "taken", killing: false }, { do: "restore" });
    case "ask":
      return answer(state);
    case "revoke":
      if (state === undefined || state.at === "waiting") return end("refused");
      return input.forced && destinationMayRun(state) ? kill(state) : answer(state);
    case "refuse":
      return state === undefined || state.at === "waiting" ? end("refused") : answer(state);
    case "restored":
      if (state?.at !== "taken" || state.killing) return silent(state);
      return answer({ at: "running", complete: input.complete, killing: false });
    case "restore-failed":
      return state?.at === "taken" ? kill(state) : silent(state);
    case "drained":
      return state?.at === "running" ? answer({ ...state, complete: true }) : silent(state);
    case "drain-failed":
      return state?.at === "running" && !state.complete ? kill(state) : silent(state);
    case "copy-dead":
      return destinationMayRun(state) && state.killing ? end("returned") : silent(state);
    case "restarted":
      return restarted(state, input.verified, input.complete);
  }
}

/**
 * Nothing is restored by an agent that was restarted: a waiting offer is refused, and a restore that cannot be shown to
 * have succeeded is ended and returned. So an operator's force on the source stays true when this host comes back.
 */
function restarted(state: DestinationState | undefined, verified: boolean, complete: boolean): DestinationTransition {
  switch (state?.at) {
    case undefined:
      return silent(state);
    case "waiting":
      return end("refused");
    case "taken":
      if (!verified || state.killing) return kill(state);
      return answer({ at: "running", complete, killing: false });
    case "running":
      return state.killing ? kill(state) : answer(state);
    // What was made for it is discarded once: the journal lists a discard that is still owed.
    case "returned":
    case "refused":
      return answer(state);
  }
}

function silent(state: DestinationState | undefined): DestinationTransition {
  return { state, actions: [] };
}

function answer(state: DestinationState | undefined, ...before: DestinationAction[]): DestinationTransition {
  const complete = state?.at === "running" && state.complete;
  return { state, actions: [...before, { do: "answer", status: statusOf(state), complete }] };
}

function end(status: "refused" | "returned"): DestinationTransition {
  return { state: { at: status }, actions: [{ do: "answer", status, complete: false }, { do: "discard" }] };
}

function kill(state: MayRun): DestinationTransition {
  return answer({ ...state, killing: true }, { do: "kill-copy" });
}
