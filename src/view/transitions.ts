import type { OperationEvent, Progress } from "../contract/operations.ts";
import { progressParts } from "./progress-line.ts";

/** A phase says no more often how far it is. */
const progressEveryMs = 1000;

/** The line of one transition, for output that is not a terminal; undefined for what would only be noise there. */
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
 * Lines that say how far a phase is: at most one a second, by the events' own times, so that a reader who comes late sees as
 * many. A phase that is over sooner says once what it sent.
 */
export function progressLines(): (event: OperationEvent) => string | undefined {
  let told = { phase: "", at: 0, any: false };
  return (event) => {
    if (event.body.type !== "progress") return undefined;
    const { progress } = event.body;
    const at = Date.parse(event.at);
    if (progress.phase !== told.phase) told = { phase: progress.phase, at, any: false };
    const last = progress.bytesRemaining === 0 && !told.any && progress.bytesTransferred > 0;
    if (at - told.at < progressEveryMs && !last) return undefined;
    told = { phase: progress.phase, at, any: true };
    return line(progress);
  };
}

function line(progress: Progress): string {
  const { reached, pace, rounds } = progressParts(progress);
  return `${progress.phase}: ${[reached, ...pace, ...rounds].join(", ")}`;
}
