import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { GodwitError } from "../contract/errors.ts";
import { type EventBody, type Operation, type OperationEvent, operation } from "../contract/operations.ts";
import type { EventFilter, Journal } from "./journal.ts";
import { migrate } from "./sqlite-schema.ts";

/**
 * The journal in a SQLite file. Two connections to it: a record is synced to the disk before the call returns, while
 * operations and events are informational, hence not fsynced: a switchover does not wait for them. Both outlive the process.
 */
export class SqliteJournal implements Journal {
  readonly #events: DatabaseSync;
  readonly #records: DatabaseSync;

  constructor(file: string) {
    this.#events = open(file, "NORMAL");
    migrate(this.#events);
    this.#records = open(file, "FULL");
  }

  putOperation(value: Operation): void {
    const statement = this.#events.prepare(
      "INSERT INTO operations (id, ended_at, json) VALUES (?, ?, ?) " +
        "ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, json = excluded.json",
    );
    write(statement, value.id, value.endedAt, JSON.stringify(value));
  }

  getOperation(id: string): Operation | undefined {
    const row = this.#events.prepare("SELECT json FROM operations WHERE id = ?").get(id);
    return row && operation.parse(json(row.json));
  }

  listOperations(): Operation[] {
    const rows = this.#events.prepare("SELECT json FROM operations ORDER BY seq").all();
    return rows.map((row) => operation.parse(json(row.json)));
  }

  appendEvent(operationId: string, at: string, body: EventBody): OperationEvent {
    const text = JSON.stringify(body);
    const statement = this.#events.prepare("INSERT INTO events (operation_id, at, json) VALUES (?, ?, ?)");
    const { lastInsertRowid } = write(statement, operationId, at, text);
    return { id: Number(lastInsertRowid), operationId, at, body: json(text) as EventBody };
  }

  eventsAfter(id: number, filter: EventFilter = {}): OperationEvent[] {
    const limit = filter.limit ?? -1;
    const rows =
      filter.operationId === undefined
        ? this.#events.prepare("SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?").all(id, limit)
        : this.#events
            .prepare("SELECT * FROM events WHERE operation_id = ? AND id > ? ORDER BY id LIMIT ?")
            .all(filter.operationId, id, limit);
    return rows.map((row) => ({
      id: Number(row.id),
      operationId: String(row.operation_id),
      at: String(row.at),
      body: json(row.json) as EventBody,
    }));
  }

  putRecord(kind: string, id: string, value: unknown): void {
    const statement = this.#records.prepare(
      "INSERT INTO records (kind, id, json) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json",
    );
    write(statement, kind, id, JSON.stringify(value));
  }

  getRecord(kind: string, id: string): unknown {
    const row = this.#records.prepare("SELECT json FROM records WHERE kind = ? AND id = ?").get(kind, id);
    return row && json(row.json);
  }

  listRecords(kind: string): { id: string; value: unknown }[] {
    const rows = this.#records.prepare("SELECT id, json FROM records WHERE kind = ? ORDER BY seq").all(kind);
    return rows.map((row) => ({ id: String(row.id), value: json(row.json) }));
  }

  deleteRecord(kind: string, id: string): void {
    this.#records.prepare("DELETE FROM records WHERE kind = ? AND id = ?").run(kind, id);
  }

  prune(before: string): void {
    this.#events.exec("BEGIN");
    this.#events
      .prepare("DELETE FROM events WHERE operation_id IN (SELECT id FROM operations WHERE ended_at < ?)")
      .run(before);
    this.#events.prepare("DELETE FROM operations WHERE ended_at < ?").run(before);
    this.#events.exec("COMMIT");
  }

  close(): void {
    this.#records.close();
    this.#events.close();
  }
}

/** SQLite's error code SQLITE_FULL. */
const sqliteFull = 13;

/** @throws no-space where the disk is full, which is the user's to mend; a bug is thrown as it is */
function write(statement: StatementSync, ...values: SQLInputValue[]) {
  try {
    return statement.run(...values);
  } catch (error) {
    if (!(error instanceof Error && "errcode" in error && error.errcode === sqliteFull)) throw error;
    throw new GodwitError("no-space", "The disk that godwit notes on what it does is full: /var/lib/godwit.", {
      hint: "Make room there; see: df -h /var/lib/godwit",
      cause: error,
    });
  }
}

function open(file: string, synchronous: "NORMAL" | "FULL"): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA busy_timeout = 5000`);
  return database;
}

const json = (text: unknown): unknown => JSON.parse(String(text));
