import { expect, test } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, logNumbers } from "../support/looper.ts";
import { modes, moveBackAndForth } from "./support/moves.ts";
import { held } from "./support/results.ts";

const program = {
  id: "sqlite",
  what: "SQLite in WAL mode on a named volume",
  how: "one process writes, another one reads, both since before the moves: every acknowledged row is there, and the integrity check passes",
  test: "test/e2e/programs/sqlite.ts",
};

/** SQLite in WAL mode on a named volume: one process writes, another one reads over the shared WAL index. */
export function sqlite(lab: TestLab): void {
  test.each(modes)("SQLite, %s: every acknowledged row is there, and the database is whole", async (mode) => {
    for (const each of ["h1", "h2"]) await lab.on(each, "docker volume rm -f rows");
    await lab.on("h1", "docker run --pull never -d --name sqlite -v rows:/data servers python3 /opt/sqlite_writer.py");
    await countsOn(lab, "h1", "sqlite");
    const after = (host: string) => countsOn(lab, host, "sqlite");
    const host = await moveBackAndForth(lab, { name: "sqlite", mode, after });
    const acknowledged = await logNumbers(lab, host, "sqlite");
    expectConsecutive(acknowledged);
    // As after a crash, which acknowledged rows must survive. CRIU 4.2.1 loses the record locks of a file that is mapped as well,
    // as the index of a WAL is: a process that opened it beside those that moved would take itself for the first one.
    const check = await lab.on(
      host,
      "docker kill sqlite >/dev/null && docker run --pull never --rm -v rows:/data servers python3 /opt/sqlite_check.py",
    );
    const [integrity, rows, last, wrong] = check.split(" ");
    expect([integrity, wrong]).toEqual(["ok", "0"]);
    expect(Number(rows)).toBeGreaterThanOrEqual(acknowledged.length);
    expect(Number(last)).toBe(Number(rows) - 1);
    await lab.on(host, "docker rm -f sqlite && docker volume rm rows");
    held(program, mode);
  });
}
