import type { OperationEvent, Progress } from "../../contract/operations.ts";
import { bar, formatBytes, formatDuration } from "./format.ts";

/** What the display of a running operation shows. */
export interface Live {
  title: string;
  phase: string;
  message: string;
  progress: Progress | undefined;
  done: string[];
}

export const newLive = (): Live => ({ title: "", phase: "", message: "", progress: undefined, done: [] });

/** The display after one more event. */
export function follow(live: Live, event: OperationEvent): Live {
  const { body } = event;
  switch (body.type) {
    case "started":
      return { ...live, title: `${body.operation.kind} ${body.operation.container}` };
    case "phase": {
      const done = live.phase ? [...live.done, `${live.phase}: ${live.message}`] : live.done;
      return { ...live, phase: body.phase, message: body.message, progress: undefined, done };
    }
    case "progress":
      return { ...live, progress: body.progress };
    default:
      return live;
  }
}

/** The lines of the live display: what is done, what is under way, how far it is. */
export function liveLines(live: Live, spinner: string, width: number): string[] {
  const { progress } = live;
  return [
    ...live.done.map((line) => `  ${line}`),
    ...(live.phase ? [`${spinner} ${live.phase}: ${live.message}`] : [`${spinner} ${live.title}`]),
    ...(progress ? [`  ${progressLine(progress, Math.max(10, Math.min(30, width - 60)))}`] : []),
  ].map((line) => line.slice(0, width));
}

export function progressLine(progress: Progress, width: number): string {
  const { bytesTotal, bytesTransferred, bandwidth, iteration, expectedDowntime } = progress;
  return [
    bytesTotal > 0 ? bar(bytesTransferred / bytesTotal, width) : undefined,
    `${formatBytes(bytesTransferred)} of ${formatBytes(bytesTotal)}`,
    bandwidth === null ? undefined : `${formatBytes(bandwidth)}/s`,
    iteration > 1 ? `round ${iteration}` : undefined,
    expectedDowntime === null ? undefined : `downtime about ${formatDuration(expectedDowntime)}`,
  ]
    .filter((part) => part !== undefined)
    .join("  ");
}

/** The line of one transition, for output that is not a terminal; undefined for what would only be noise there. */
export function transitionLine(event: OperationEvent): string | undefined {
  const { body } = event;
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
