import type { Run } from "../run.ts";
import { spreadOf } from "./statistics.ts";

/** The results of one run, in one line. */
export function runWords({
  downtimeMs,
  floorMs,
  totalS,
  wireBytes,
  agentRssMiB,
  slowDown,
  pssBeforeMiB,
  pssAfterMiB,
  endMode,
}: Run): string {
  const parts = [
    downtimeMs ? `downtime ${downtimeMs.toFixed(0)} ms` : "",
    floorMs ? `floor ${floorMs.toFixed(0)} ms` : "",
    totalS ? `total ${totalS.toFixed(1)} s` : "",
    wireBytes ? `wire ${(wireBytes / 2 ** 20).toFixed(0)} MiB` : "",
    agentRssMiB ? `agent ${agentRssMiB.toFixed(0)} MiB` : "",
    typeof slowDown === "number" ? `slow-down ${(slowDown * 100).toFixed(0)} %` : "",
    pssBeforeMiB && pssAfterMiB ? `Pss ${pssBeforeMiB.toFixed(0)} MiB, then ${pssAfterMiB.toFixed(0)} MiB` : "",
    endMode ? `mode ${endMode}` : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** The results of a case, in one line: the median of its runs, with the least and the greatest value. */
export function caseWords(runs: readonly Run[]): string {
  const part = (name: string, unit: string, value: (run: Run) => number | null | undefined, digits = 0) => {
    const spread = spreadOf(runs.map((run) => value(run) ?? null));
    if (!spread) return "";
    const [median, min, max] = [spread.median, spread.min, spread.max].map((each) => each.toFixed(digits));
    return `${name} ${median} ${unit} (${min}–${max})`;
  };
  const parts = [
    part("downtime", "ms", (run) => run.downtimeMs),
    part("floor", "ms", (run) => run.floorMs),
    part("total", "s", (run) => run.totalS, 1),
  ];
  return `median of ${runs.length}: ${parts.filter(Boolean).join(", ")}`;
}

/** A rounded length of time as text. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
