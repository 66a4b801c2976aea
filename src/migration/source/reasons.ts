import { errorFromReport, GodwitError } from "../../contract/errors.ts";
import type { SourceBaton } from "./baton.ts";
import type { OutgoingRecord } from "./record.ts";

/** Why a container stays on its source, for its user. `host` is the name of this host. */
export function whyItStays(
  { container, destination, state }: OutgoingRecord,
  host: string,
  { originalEnded, refusal }: Pick<SourceBaton, "originalEnded" | "refusal">,
): GodwitError {
  if (originalEnded) {
    return new GodwitError(
      "container-exited",
      `The frozen original of '${container}' ended before ${destination} had all of its memory, so ${destination} ended the copy as well.`,
      { hint: `Its files are as they were at the freeze. Start it again: docker start ${container}` },
    );
  }
  if (refusal) return keepsRunning(errorFromReport(refusal), container, host);
  if (state.at === "holds" && state.ended === "cancelled") {
    return new GodwitError(
      "agent-ended",
      `The agent of ${host} ended during the move of '${container}', which stays on ${host}.`,
      { hint: "The container runs on. Try the move again." },
    );
  }
  return new GodwitError("transfer-failed", `${destination} did not take '${container}', which stays on ${host}.`, {
    hint: `The container runs on. See why on ${destination}: journalctl -u godwit-agent`,
  });
}

/** CRIU's reasons say nothing about where the container is after them. */
export function keepsRunning(error: GodwitError, container: string, host: string): GodwitError {
  const { code, message, details, cause, hint } = error;
  if (code !== "dump-failed" && code !== "restore-failed") return error;
  const where = `'${container}' keeps running on ${host}.`;
  return new GodwitError(code, message, { hint: hint ? `${where} ${hint}` : where, details, cause });
}

/** What to tell a user whose container waits here. `hearsAnswers`: the destination has answered lately. */
export function unresolved({ container, destination, state }: OutgoingRecord, hearsAnswers: boolean): GodwitError {
  if (state.at === "finished") {
    return new GodwitError(
      "baton-unresolved",
      `'${container}' runs on ${destination}; its original here is not ended yet.`,
      { hint: "This agent keeps trying. If Docker does not answer on this host, start it again." },
    );
  }
  if (hearsAnswers) {
    return new GodwitError(
      "baton-unresolved",
      `${destination} took '${container}', and has not said yet whether it runs there; the original waits frozen here.`,
      { hint: `This agent keeps asking. See what holds it up on ${destination}: journalctl -u godwit-agent` },
    );
  }
  return new GodwitError(
    "baton-unresolved",
    `${destination} does not answer any more; '${container}' was handed over to it, and waits frozen here.`,
    {
      hint: `This agent keeps asking ${destination}. Ask at once: godwit recover ${container}. If ${destination} is gone for good: godwit recover ${container} --force`,
    },
  );
}
