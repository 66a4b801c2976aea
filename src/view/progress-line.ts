import type { Progress } from "../contract/operations.ts";
import { formatBytes, formatDuration } from "./format.ts";

/** What is worth reading in a progress report, in three groups. */
export function progressParts(progress: Progress): { reached: string; pace: string[]; rounds: string[] } {
  const { bytesTotal, bytesTransferred, bytesRemaining, bandwidth, remaining } = progress;
  const { iteration, dirtyRate, expectedDowntime } = progress;
  return {
    reached: `${formatBytes(bytesTransferred)} of ${formatBytes(bytesTotal)}`,
    pace: [
      ...(bandwidth === null ? [] : [`${formatBytes(bandwidth)}/s`]),
      ...(remaining === null || bytesRemaining === 0 ? [] : [`${formatDuration(remaining)} left`]),
    ],
    rounds: [
      ...(iteration > 1 ? [`round ${iteration}`] : []),
      ...(dirtyRate === null ? [] : [`dirtied ${formatBytes(dirtyRate)}/s`]),
      ...(expectedDowntime === null ? [] : [`expected downtime ${formatDuration(expectedDowntime)}`]),
    ],
  };
}
