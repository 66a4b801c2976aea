import type { OperationEvent, Progress } from "../contract/operations.ts";
import { progressParts } from "./progress-line.ts";

/** The least time between two lines of progress. */
const progressEveryMs = 1000;

/** The line of one transition, for output that is not a terminal; undefined for events that need no line there. */
export function transitionLine({ body }: OperationEvent): string | undefined {
  switch (body.type) {
    case "started":
      return `${body.operation.kind} ${body.operation.container} (operation ${body.operation.id})`;
    case "phase":
      return `${body.phase}: ${body.message}`;
    case "warning":
      return `warning: ${body.message}${body.remedy ? ` (${body.remedy})` : ""}`;
    default:
      return undefined;
  }
}

/**
 * Lines of progress: at most one a second by the times of the events, so a reader who joins late sees as many. A shorter
 * phase has one line, when it has sent everything.
 */
export function progressLines(): (event: OperationEvent) => string | undefined {
  let shown = { phase: "", at: 0, any: false };
  return (event) => {
    if (event.body.type !== "progress") return undefined;
    const { progress } = event.body;
    const at = Date.parse(event.at);
    if (progress.phase !== shown.phase) shown = { phase: progress.phase, at, any: false };
    // Nothing has to go in it, and nothing went.
    if (progress.bytesTotal === 0) return undefined;
    const last = progress.bytesRemaining === 0 && !shown.any;
    if (at - shown.at < progressEveryMs && !last) return undefined;
    shown = { phase: progress.phase, at, any: true };
    return line(progress);
  };
}

function line(progress: Progress): string {
  const { reached, pace, rounds } = progressParts(progress);
  return `${progress.phase}: ${[reached, ...pace, ...rounds].join(", ")}`;
}
