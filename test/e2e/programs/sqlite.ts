import { expect, test } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, logNumbers } from "../support/looper.ts";
import { modes, moveBackAndForth } from "./support/moves.ts";
import { held } from "./support/results.ts";

const program = {
  id: "sqlite",
  what: "SQLite in WAL mode on a named volume",
  how: "one process writes, another one reads: every acknowledged row is there, and the integrity check passes",
  test: "test/e2e/programs/sqlite.ts",
};

/** SQLite in WAL mode on a named volume: one process writes, another one reads over the shared WAL index. */
export function sqlite(lab: TestLab): void {
  test.each(modes)("SQLite, %s: every acknowledged row is there, and the database is whole", async (mode) => {
    await lab.on(
      "h1",
      "docker volume rm -f rows >/dev/null; docker run --pull never -d --name sqlite -v rows:/data servers python3 /opt/sqlite_writer.py",
    );
    await countsOn(lab, "h1", "sqlite");
    const after = (host: string) => countsOn(lab, host, "sqlite");
    const host = await moveBackAndForth(lab, { name: "sqlite", mode, after });
    const acknowledged = await logNumbers(lab, host, "sqlite");
    expectConsecutive(acknowledged);
    const check = await lab.on(host, "docker exec sqlite python3 /opt/sqlite_check.py");
    const [integrity, rows, last, wrong] = check.split(" ");
    expect([integrity, wrong]).toEqual(["ok", "0"]);
    expect(Number(rows)).toBeGreaterThanOrEqual(acknowledged.length);
    expect(Number(last)).toBe(Number(rows) - 1);
    await lab.on(host, "docker rm -f sqlite && docker volume rm rows");
    held(program, mode);
  });
}
