import { migrationAbout } from "../contract/migration.ts";
import type { OperationEvent, Progress } from "../contract/operations.ts";
import { bar, formatDuration } from "./format.ts";
import { progressParts } from "./progress-line.ts";

/** The state of the live display of an operation. */
export interface Live {
  title: string;
  phase: string;
  message: string;
  progress: Progress | undefined;
  /** The last message of each phase before this one. */
  done: { phase: string; message: string }[];
  /** How long the operation had run at its last event, and when that event arrived here: the clocks of two hosts may differ. */
  ranMs: number;
  seenAt: number;
  startedAt: number;
}

export const newLive = (): Live => ({
  ...{ title: "", phase: "", message: "", progress: undefined, done: [] },
  ...{ ranMs: 0, seenAt: 0, startedAt: 0 },
});

/** The display after one more event, which arrived at `now` ms. */
export function follow(before: Live, event: OperationEvent, now: number): Live {
  const { body } = event;
  const at = Date.parse(event.at);
  const startedAt = before.startedAt || (body.type === "started" ? Date.parse(body.operation.startedAt) : at);
  const live = { ...before, startedAt, ranMs: at - startedAt, seenAt: now };
  switch (body.type) {
    case "started": {
      const { kind, container, host, about } = body.operation;
      const to = migrationAbout.safeParse(about).data?.destination;
      return { ...live, title: `${kind} ${container}${to === undefined ? "" : ` from ${host} to ${to}`}` };
    }
    case "phase": {
      const { phase, message } = body;
      if (phase === live.phase) return { ...live, message, progress: undefined };
      const done = live.phase ? [...live.done, { phase: live.phase, message: live.message }] : live.done;
      return { ...live, phase, message, progress: undefined, done };
    }
    case "progress":
      return { ...live, progress: body.progress };
    default:
      return live;
  }
}

/** The lines of the live display: the phases that are done, the one that runs, and its progress. */
export function liveLines(live: Live, spinner: string, width: number, now: number): string[] {
  const { progress } = live;
  const elapsed = formatDuration(Math.floor((live.ranMs + now - live.seenAt) / 1000) * 1000 || 0);
  return [
    `${live.title}, ${elapsed}`,
    ...live.done.map(({ phase, message }) => `  ${phase}: ${message}`),
    ...(live.phase ? [`${spinner} ${live.phase}: ${live.message}`] : []),
    ...(progress ? progressLines(progress, Math.max(10, Math.min(30, width - 60))) : []),
  ].map((line) => line.slice(0, width));
}

function progressLines(progress: Progress, barWidth: number): string[] {
  const { bytesTotal, bytesTransferred } = progress;
  const { reached, pace, rounds } = progressParts(progress);
  const shown = bytesTotal > 0 ? [bar(bytesTransferred / bytesTotal, barWidth), reached, ...pace] : [];
  return [shown, rounds].filter((parts) => parts.length > 0).map((parts) => `  ${parts.join("  ")}`);
}
