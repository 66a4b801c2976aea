import { checkpointSummary } from "../contract/checkpoint.ts";
import { type MigrationResult, migrationResult } from "../contract/migration.ts";
import type { Operation, Step } from "../contract/operations.ts";
import { type RunResult, runResult } from "../contract/routes.ts";
import { bytes } from "../contract/units.ts";
import { formatDuration, inMs, shortId, table } from "./format.ts";

/** The result of an operation that is done. */
export function summaryLines(operation: Operation): string[] {
  const migrated = operation.kind === "migrate" ? migrationResult.safeParse(operation.result) : undefined;
  if (migrated?.success) return migrationLines(migrated.data);
  const taken = operation.kind === "checkpoint" ? checkpointSummary.safeParse(operation.result) : undefined;
  if (taken?.success) {
    const { name, container, memoryBytes, filesBytes, frozenMs, frozenBytes } = taken.data;
    const meanwhile = frozenBytes === null ? "" : ` (for the last ${bytes(frozenBytes)} of memory)`;
    const frozen = frozenMs === null ? "" : `, frozen for ${formatDuration(frozenMs)}${meanwhile}`;
    return [`checkpoint '${name}' of ${container}: ${bytes(memoryBytes)} memory, ${bytes(filesBytes)} files${frozen}`];
  }
  const run = runResult.safeParse(operation.result);
  if (run.success) return runLines(operation.kind, run.data);
  return [`${operation.kind} of ${operation.container}: ${operation.state}`];
}

export function migrationLines(result: MigrationResult): string[] {
  const {
    container,
    source,
    destination,
    id,
    mode,
    downtimeMs,
    totalMs,
    setupMs,
    wireBytes,
    memoryBytes,
    verifiedBytes,
  } = result;
  const facts = [
    `downtime ${inMs(downtimeMs)}`,
    `total ${formatDuration(totalMs)}`,
    `set-up ${formatDuration(setupMs)}`,
    `${bytes(memoryBytes)} memory`,
    ...(verifiedBytes === null ? [] : [`${bytes(verifiedBytes)} of it compared`]),
    `${bytes(wireBytes)} sent`,
    `mode ${mode}`,
  ];
  return [
    `${container} moved from ${source} to ${destination} and runs there as ${shortId(id)}`,
    facts.join(", "),
    ...stepLines(
      "switchover: where the downtime went",
      result.steps.filter((step) => step.switchover),
    ),
    ...criuLines(result.criu),
  ];
}

/** What CRIU measured. */
function criuLines({ dump, restore }: MigrationResult["criu"]): string[] {
  const time = (what: string, ms: number) => `${what} ${formatDuration(ms)}`;
  const pages = (what: string, count: number) => (count > 0 ? [`${count} pages ${what}`] : []);
  const rows = [
    dump && [
      "  dump",
      [
        time("freezing", dump.freezingMs),
        time("frozen", dump.frozenMs),
        time("memory read", dump.memoryDumpMs),
        time("written", dump.memoryWriteMs),
        ...pages("scanned", dump.pagesScanned),
        ...pages("unchanged", dump.pagesSkippedParent),
        ...pages("written", dump.pagesWritten),
        ...pages("lazy", dump.pagesLazy),
      ].join(", "),
    ],
    restore && [
      "  restore",
      [
        time("forking", restore.forkingMs),
        time("restoring", restore.restoreMs),
        ...pages("compared", restore.pagesCompared),
        ...pages("restored", restore.pagesRestored),
      ].join(", "),
    ],
  ].filter((row) => row !== null);
  return rows.length > 0 ? ["", "CRIU's own statistics", ...table(rows)] : [];
}

function runLines(kind: string, result: RunResult): string[] {
  const { host, container, id, checkpoint, downtimeMs, totalMs } = result;
  const from = checkpoint === null ? "" : ` from checkpoint '${checkpoint}'`;
  const downtime = downtimeMs === null ? [] : [`downtime ${inMs(downtimeMs)}`];
  return [
    `${kind}: ${container} runs on ${host}${from} as ${shortId(id)}`,
    [...downtime, `total ${formatDuration(totalMs)}`].join(", "),
    ...stepLines("where the time went", result.steps),
  ];
}

function stepLines(title: string, steps: Step[]): string[] {
  if (steps.length === 0) return [];
  const rows = steps.map((step) => [`  ${step.side}`, step.name, inMs(step.ms)]);
  return ["", title, ...table(rows, [2])];
}
