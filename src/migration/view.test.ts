import { expect, test } from "vitest";
import type { Operation } from "../contract/operations.ts";
import { findMigration, isMigration, migrationOf, runningMigration } from "./view.ts";

const about = {
  ...{ destination: "h2", asked: "auto", mode: null, onNoConvergence: "abort" },
  settings: { downtimeLimitMs: 300, bandwidth: null, drainBandwidth: null },
};
const operation: Operation = {
  ...{ id: "aa", kind: "migrate", host: "h1", container: "c", state: "running", cancellable: true, about },
  ...{ phase: null, progress: null, startedAt: "2026-01-01T00:00:00.000Z", endedAt: null, result: null, error: null },
};
const known = {
  list: () => [
    operation,
    { ...operation, id: "bb", state: "failed" as const },
    { ...operation, id: "cc", kind: "clone" as const },
  ],
};

test("a migration is shown from its operation", () => {
  expect(migrationOf(operation)).toMatchObject({
    id: "aa",
    source: "h1",
    destination: "h2",
    phase: "preflight",
    result: null,
  });
  expect(isMigration({ ...operation, about: null })).toBe(false);
});

test("an unknown, ended or other operation is refused", () => {
  expect(findMigration(known, "bb")).toMatchObject({ state: "failed" });
  for (const id of ["cc", "dd", ""]) {
    expect(() => findMigration(known, id)).toThrow(expect.objectContaining({ code: "no-such-migration" }));
  }
  expect(runningMigration(known, "aa")).toBe(operation);
  expect(() => runningMigration(known, "bb")).toThrow("Migration bb of 'c' has ended: failed.");
});
