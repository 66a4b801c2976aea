import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { MemoryJournal } from "../../testing/memory-journal.ts";
import type { Operation } from "../contract/operations.ts";
import type { Journal } from "./journal.ts";
import { SqliteJournal } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-journal-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function newFile(): string {
  files += 1;
  return join(folder, `${files}.db`);
}
const at = "2026-01-02T03:04:05.000Z";

function sample(id: string, more: Partial<Operation> = {}): Operation {
  const fixed = { kind: "migrate", host: "h1", container: "c", state: "running", cancellable: true } as const;
  const open = { startedAt: at, endedAt: null, about: null, phase: null, progress: null, result: null, error: null };
  return { id, ...fixed, ...open, ...more };
}

const journals: [string, () => Journal][] = [
  ["memory", () => new MemoryJournal()],
  ["sqlite", () => new SqliteJournal(newFile())],
];

describe.each(journals)("the %s journal", (_name, open) => {
  test("keeps operations in their order, the newest state of each", () => {
    const journal = open();
    journal.putOperation(sample("b"));
    journal.putOperation(sample("a"));
    journal.putOperation(sample("b", { state: "done", result: { n: 1 } }));
    expect(journal.listOperations()).toEqual([sample("b", { state: "done", result: { n: 1 } }), sample("a")]);
    expect(journal.getOperation("a")).toEqual(sample("a"));
    expect(journal.getOperation("x")).toBeUndefined();
    journal.close();
  });

  test("gives events rising ids, and lists those after an id, of one operation, up to a limit", () => {
    const journal = open();
    const phase = (phase: string) => ({ type: "phase", phase, message: "m" }) as const;
    const ids = ["a", "b", "a", "a"].map((id) => journal.appendEvent(id, at, phase(`of ${id}`)).id);
    expect(ids).toEqual([1, 2, 3, 4]);
    expect(journal.eventsAfter(0).map((event) => event.id)).toEqual(ids);
    expect(journal.eventsAfter(1, { operationId: "a" }).map((event) => event.id)).toEqual([3, 4]);
    expect(journal.eventsAfter(0, { operationId: "a", limit: 2 }).map((event) => event.id)).toEqual([1, 3]);
    expect(journal.eventsAfter(1, { limit: 1 })).toEqual([{ id: 2, operationId: "b", at, body: phase("of b") }]);
    journal.close();
  });

  test("keeps records by kind and id", () => {
    const journal = open();
    journal.putRecord("migration", "1", { state: "a" });
    journal.putRecord("migration", "2", [1]);
    journal.putRecord("migration", "1", { state: "b" });
    journal.putRecord("other", "1", null);
    expect(journal.listRecords("migration")).toEqual([
      { id: "1", value: { state: "b" } },
      { id: "2", value: [1] },
    ]);
    expect(journal.getRecord("other", "1")).toBeNull();
    expect(journal.getRecord("other", "2")).toBeUndefined();
    journal.deleteRecord("migration", "1");
    journal.deleteRecord("migration", "1");
    expect(journal.listRecords("migration")).toEqual([{ id: "2", value: [1] }]);
    journal.close();
  });

  test("keeps a copy: a later change of the value does not reach it", () => {
    const journal = open();
    const value = { list: [1] };
    journal.putRecord("kind", "1", value);
    value.list.push(2);
    expect(journal.getRecord("kind", "1")).toEqual({ list: [1] });
    journal.close();
  });

  test("forgets old operations with their events, and uses no id twice", () => {
    const journal = open();
    journal.putOperation(sample("old", { endedAt: "2026-01-01T00:00:00.000Z" }));
    journal.putOperation(sample("new", { endedAt: "2026-02-01T00:00:00.000Z" }));
    journal.putOperation(sample("running"));
    for (const id of ["new", "old"]) journal.appendEvent(id, at, { type: "warning", message: id });
    journal.prune("2026-01-15T00:00:00.000Z");
    expect(journal.listOperations().map((operation) => operation.id)).toEqual(["new", "running"]);
    expect(journal.eventsAfter(0).map((event) => event.id)).toEqual([1]);
    expect(journal.appendEvent("new", at, { type: "warning", message: "" }).id).toBe(3);
    journal.close();
  });
});

describe("the sqlite journal's file", () => {
  test("has everything after a restart without a close", () => {
    const file = newFile();
    const first = new SqliteJournal(file);
    first.putOperation(sample("a"));
    first.appendEvent("a", at, { type: "warning", message: "w" });
    first.putRecord("migration", "1", { baton: "taken" });
    const second = new SqliteJournal(file);
    expect(second.getOperation("a")).toEqual(sample("a"));
    expect(second.getRecord("migration", "1")).toEqual({ baton: "taken" });
    expect(second.appendEvent("a", at, { type: "warning", message: "w" }).id).toBe(2);
    first.close();
    second.close();
  });

  test("of a newer version is refused and not changed", () => {
    const file = newFile();
    const database = new DatabaseSync(file);
    database.exec("PRAGMA user_version = 99");
    expect(() => new SqliteJournal(file)).toThrow(/newer version/);
    expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n).toBe(0);
    database.close();
  });
});
