import { expect, test } from "vitest";
import type { Migration } from "../contract/migration.ts";
import { migrationTable, oneMigrationLines } from "./migrations.ts";

const now = new Date("2026-01-02T12:00:00.000Z");
const running: Migration = {
  ...{ id: "1a2b3c4d", container: "looper", source: "h1", destination: "h2", asked: "auto", mode: "precopy" },
  ...{ state: "running", phase: "sync", cancellable: true, startedAt: now.toISOString(), endedAt: null },
  settings: { downtimeLimitMs: 300, bandwidth: 50_000_000, drainBandwidth: null },
  onNoConvergence: "postcopy",
  progress: {
    ...{ phase: "sync", iteration: 3, bytesTotal: 1_048_576, bytesTransferred: 524_288, bytesRemaining: 524_288 },
    ...{ dirtyRate: 20_971_520, bandwidth: 262_144, expectedDowntime: 250, elapsed: 12_000, remaining: 2000 },
  },
  ...{ result: null, error: null },
};
const done: Migration = {
  ...{ ...running, id: "5e6f7a8b", state: "done", phase: "drain", cancellable: false, progress: null },
  endedAt: now.toISOString(),
  result: {
    ...{
      migration: "5e6f7a8b",
      container: "looper",
      source: "h1",
      destination: "h2",
      mode: "precopy",
      id: "0".repeat(64),
    },
    ...{
      downtimeMs: 211.6,
      totalMs: 3210,
      setupMs: 1200,
      wireBytes: 5_242_880,
      memoryBytes: 4_194_304,
      verifiedBytes: null,
    },
    warnings: [],
    criu: { dump: null, restore: null },
    steps: [{ name: "freeze", side: "source", at: 300, ms: 24, switchover: true }],
  },
};
const failed: Migration = {
  ...{ ...running, id: "9c0d1e2f", state: "cancelled", mode: null, progress: null, phase: "preflight" },
  error: { code: "cancelled", message: "It was cancelled." },
};

test("the list shows phase, rate, and the expected or measured downtime of each", () => {
  expect(migrationTable([running, done, failed])).toEqual([
    "ID        CONTAINER  FROM -> TO  MODE     PHASE      STATE                  SENT       RATE      DOWNTIME",
    "1a2b3c4d  looper     h1 -> h2    precopy  sync       running    512 KiB of 1 MiB  256 KiB/s  about 250 ms",
    "5e6f7a8b  looper     h1 -> h2    precopy  drain      done                  5 MiB          -        212 ms",
    "9c0d1e2f  looper     h1 -> h2    auto     preflight  cancelled                 -          -             -",
  ]);
});

test("a running migration shows its limits and its progress", () => {
  const lines = oneMigrationLines(running, now);
  for (const [label, value] of [
    ["mode", "precopy (asked for: auto)"],
    ["bandwidth", "400 Mbit/s"],
    ["drain bandwidth", "unlimited"],
    ["round", "3"],
    ["sent", "512 KiB of 1 MiB"],
    ["remaining", "512 KiB, 2 s"],
    ["dirtied", "20 MiB/s"],
    ["expected downtime", "250 ms"],
  ])
    expect(lines).toContainEqual(`${label?.padEnd(17)}  ${value}`);
});

test("an ended migration shows its table of steps, or its error", () => {
  expect(oneMigrationLines(done, now).slice(-5)).toEqual([
    "looper moved from h1 to h2 and runs there as 000000000000",
    "downtime 212 ms, total 3.2 s, set-up 1.2 s, 4 MiB memory, 5 MiB sent, mode precopy",
    "",
    "switchover: where the downtime went",
    "  source  freeze  24 ms",
  ]);
  expect(oneMigrationLines(failed, now).at(-1)).toBe("It was cancelled.");
});
