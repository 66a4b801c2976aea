import type { DatabaseSync } from "node:sqlite";
import { GodwitError } from "../contract/errors.ts";

/** The n-th entry leads from version n to n + 1. Entries are only ever appended: files of every version exist. */
const migrations = [
  `CREATE TABLE operations (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     ended_at TEXT,
     json TEXT NOT NULL
   ) STRICT;
   CREATE TABLE events (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     operation_id TEXT NOT NULL,
     at TEXT NOT NULL,
     json TEXT NOT NULL
   ) STRICT;
   CREATE INDEX events_by_operation ON events (operation_id, id);
   CREATE TABLE records (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     json TEXT NOT NULL,
     UNIQUE (kind, id)
   ) STRICT;`,
];

/** Brings a database to the newest version, or leaves it as it was. */
export function migrate(database: DatabaseSync): void {
  const row = database.prepare("PRAGMA user_version").get();
  const version = Number(row?.user_version ?? 0);
  if (version > migrations.length) {
    throw new GodwitError("unsupported-system", "The agent's journal was written by a newer version of godwit.", {
      hint: "Run the newer version, or move the journal away: what it knows about interrupted migrations is then lost.",
    });
  }
  for (const [i, sql] of [...migrations.entries()].slice(version)) {
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(sql);
      database.exec(`PRAGMA user_version = ${i + 1}`);
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  }
}
