import type { Progress } from "../contract/operations.ts";
import { bytes } from "../contract/units.ts";
import { formatDuration } from "./format.ts";

/** A progress report as words, in three groups. Values that are not known are left out. */
export function progressParts(progress: Progress): { reached: string; pace: string[]; rounds: string[] } {
  const { bytesTotal, bytesTransferred, bytesRemaining, bandwidth, remaining } = progress;
  const { iteration, dirtyRate, expectedDowntime } = progress;
  return {
    reached: `${bytes(bytesTransferred)} of ${bytes(bytesTotal)}`,
    pace: [
      ...(bandwidth === null ? [] : [`${bytes(bandwidth)}/s`]),
      ...(remaining === null || bytesRemaining === 0 ? [] : [`${formatDuration(remaining)} left`]),
    ],
    rounds: [
      ...(iteration > 1 ? [`round ${iteration}`] : []),
      ...(dirtyRate === null ? [] : [`dirtied ${bytes(dirtyRate)}/s`]),
      ...(expectedDowntime === null ? [] : [`expected downtime ${formatDuration(expectedDowntime)}`]),
    ],
  };
}
