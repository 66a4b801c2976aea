import type { Migration } from "../contract/migration.ts";
import { bytes, rate } from "../contract/units.ts";
import { reasonLines } from "./error.ts";
import { formatDuration, formatTime, inMs, table } from "./format.ts";
import { migrationLines } from "./summary.ts";

export function migrationTable(migrations: Migration[]): string[] {
  const rows = migrations.map((one) => [
    one.id,
    one.container,
    `${one.source} -> ${one.destination}`,
    one.mode ?? one.asked,
    one.phase,
    one.state,
    sent(one),
    one.state === "running" ? speed(one.progress?.bandwidth) : "-",
    downtime(one),
  ]);
  const head = ["ID", "CONTAINER", "FROM -> TO", "MODE", "PHASE", "STATE", "SENT", "RATE", "DOWNTIME"];
  return table([head, ...rows], [6, 7, 8]);
}

/** All facts of one migration: its phase, its limits, and its result or error. */
export function oneMigrationLines(one: Migration, now: Date): string[] {
  const { progress, settings, result, error } = one;
  const ended = one.endedAt === null ? [] : [["ended", formatTime(one.endedAt, now)]];
  const facts = [
    ["migration", one.id],
    ["container", one.container],
    ["from", one.source],
    ["to", one.destination],
    ["mode", one.mode === null || one.mode === one.asked ? one.asked : `${one.mode} (asked for: ${one.asked})`],
    ["state", one.state === "running" && !one.cancellable ? "running, past the switchover" : one.state],
    ["phase", one.phase],
    ["began", formatTime(one.startedAt, now)],
    ...ended,
    ["downtime limit", formatDuration(settings.downtimeLimitMs)],
    ["bandwidth", rate(settings.bandwidth)],
    ["drain bandwidth", rate(settings.drainBandwidth)],
    ["no convergence", one.onNoConvergence],
  ];
  const under = one.state === "running" && progress ? progressFacts(one) : [];
  return [
    ...table([...facts, ...under]),
    ...(result ? ["", ...migrationLines(result)] : []),
    ...(error ? ["", ...reasonLines(error)] : []),
  ];
}

function progressFacts({ progress }: Migration): string[][] {
  if (!progress) return [];
  const { iteration, bytesTotal, bytesTransferred, bytesRemaining, bandwidth, dirtyRate } = progress;
  const { expectedDowntime, elapsed, remaining } = progress;
  return [
    ["round", String(iteration)],
    ["sent", `${bytes(bytesTransferred)} of ${bytes(bytesTotal)}`],
    ["remaining", bytes(bytesRemaining) + (remaining === null ? "" : `, ${formatDuration(remaining)}`)],
    ["rate", speed(bandwidth)],
    ["dirtied", speed(dirtyRate)],
    ["expected downtime", expectedDowntime === null ? "-" : formatDuration(expectedDowntime)],
    ["elapsed", formatDuration(elapsed)],
  ];
}

const sent = ({ progress, result }: Migration) => {
  if (result) return bytes(result.wireBytes);
  return progress ? `${bytes(progress.bytesTransferred)} of ${bytes(progress.bytesTotal)}` : "-";
};

const speed = (perSecond: number | null | undefined) => (typeof perSecond === "number" ? `${bytes(perSecond)}/s` : "-");

function downtime({ state, progress, result }: Migration): string {
  if (result) return inMs(result.downtimeMs);
  const expected = state === "running" ? progress?.expectedDowntime : null;
  return typeof expected === "number" ? `about ${inMs(expected)}` : "-";
}
