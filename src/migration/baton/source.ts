import * as z from "zod";
import type { BatonStatus } from "../../contract/peer/messages.ts";

/*
 * The right to run one container during one migration, as two machines that know nothing but their journal and what the
 * other side said. Contract for both: write the new state to the journal, then carry out the actions in their order, and
 * feed `restarted` first after a start. Every action may be repeated, so each must be harmless the second time.
 *
 * Why it holds: `refused` and `returned` are final and mean that the destination never will run the container, so only
 * they thaw the original. `running` is final and means that it did, so only it kills the original.
 */

export const sourceState = z.discriminatedUnion("at", [
  /** The container runs here, or may. `ended` tells why this migration can never be offered (again). */
  z.object({
    at: z.literal("holds"),
    ended: z.enum(["cancelled", "refused", "returned", "forced"]).nullable(),
    /** Whether the destination's last status is known; until then the source tells it again and again. */
    settled: z.boolean(),
  }),
  /** The offer may have arrived: frozen until the destination's status is known. `revoking`: the wish is to have it back. */
  z.object({ at: z.literal("offered"), revoking: z.boolean() }),
  /** The destination took it: frozen, and thawed only if the destination returns it. */
  z.object({ at: z.literal("passed") }),
  /** The destination runs it and needs nothing more from here. */
  z.object({ at: z.literal("finished") }),
]);
export type SourceState = z.infer<typeof sourceState>;

export const sourceStart: SourceState = { at: "holds", ended: null, settled: false };

export type SourceInput =
  /** The container is frozen, and all that the destination needs to restore it is there. */
  | { type: "offer" }
  /** The destination's status. `complete`: it needs nothing more from the source (in post-copy, no page is missing). */
  | { type: "status"; status: BatonStatus; complete: boolean }
  /** An answer did not come in time. */
  | { type: "tick" }
  | { type: "cancel" }
  /** The operator says that the destination is gone and will not run the container. */
  | { type: "force" }
  | { type: "restarted" };

export type SourceAction =
  /** Let the original run: thaw it, unblock its traffic, restore its restart policy. Nothing to do where it runs. */
  | { do: "thaw" }
  /** End the original, and remove it unless it is to be kept. */
  | { do: "kill-original" }
  | { do: "send-offer" }
  | { do: "ask" }
  | { do: "revoke"; forced: boolean };

interface SourceTransition {
  state: SourceState;
  actions: SourceAction[];
}

/** Whether the source's processes may run; false means that they must stay frozen, also after a restart. */
export function sourceMayRun(state: SourceState): boolean {
  return state.at === "holds";
}

/** Whether the source has nothing more to ask or to tell. */
export function sourceIsDone(state: SourceState): boolean {
  return state.at === "finished" || (state.at === "holds" && state.settled);
}

export function sourceStep(state: SourceState, input: SourceInput): SourceTransition {
  switch (input.type) {
    case "offer":
      if (state.at !== "holds" || state.ended !== null) return stay(state);
      return { state: { at: "offered", revoking: false }, actions: [{ do: "send-offer" }] };
    case "status":
      return onStatus(state, input.status, input.complete);
    case "tick":
      return stay(state, ...pending(state));
    case "cancel":
      return sourceGivesUp(state);
    case "force":
      if (state.at !== "offered" && state.at !== "passed") return stay(state);
      return {
        state: { at: "holds", ended: "forced", settled: false },
        actions: [{ do: "thaw" }, { do: "revoke", forced: true }],
      };
    case "restarted":
      if (state.at === "finished") return stay(state, { do: "kill-original" });
      if (state.at === "holds" && state.ended !== null) return stay(state, { do: "thaw" }, ...pending(state));
      return state.at === "passed" ? stay(state, { do: "ask" }) : sourceGivesUp(state);
  }
}

function stay(state: SourceState, ...actions: SourceAction[]): SourceTransition {
  return { state, actions };
}

/** What is still to be asked or told; it brings the answer that the state waits for. */
function pending(state: SourceState): SourceAction[] {
  if (sourceIsDone(state)) return [];
  if (state.at === "offered") return [state.revoking ? { do: "revoke", forced: false } : { do: "ask" }];
  if (state.at === "holds") return state.ended === null ? [] : [{ do: "revoke", forced: state.ended === "forced" }];
  return [{ do: "ask" }];
}

/** An offer that may have arrived cannot be taken back alone: the destination decides, by its answer to the revoke. */
function sourceGivesUp(state: SourceState): SourceTransition {
  if (state.at === "offered") return stay({ at: "offered", revoking: true }, { do: "revoke", forced: false });
  if (state.at !== "holds" || state.ended !== null) return stay(state);
  return {
    state: { at: "holds", ended: "cancelled", settled: false },
    actions: [{ do: "thaw" }, { do: "revoke", forced: false }],
  };
}

function onStatus(state: SourceState, status: BatonStatus, complete: boolean): SourceTransition {
  const final = status === "refused" || status === "returned";
  if (state.at === "holds") {
    if (!final || state.settled) return stay(state);
    return state.ended === null ? released(status) : stay({ ...state, settled: true });
  }
  if (state.at === "finished") return stay(state);
  if (status === "returned") return released(status);
  if (status === "running") {
    return complete ? stay({ at: "finished" }, { do: "kill-original" }) : stay({ at: "passed" });
  }
  // A destination that took it cannot refuse it: such a status comes from a lost journal, and is no reason to thaw.
  if (state.at === "passed") return stay(state);
  if (status === "refused") return released(status);
  if (status === "taken") return stay({ at: "passed" });
  return stay(state, state.revoking ? { do: "revoke", forced: false } : { do: "send-offer" });
}

function released(status: "refused" | "returned"): SourceTransition {
  return { state: { at: "holds", ended: status, settled: true }, actions: [{ do: "thaw" }] };
}
