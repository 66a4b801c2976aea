import { expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import type { TestLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, logNumbers } from "../support/looper.ts";
import { somebody } from "./support/image.ts";
import { allModes, moveBackAndForth } from "./support/moves.ts";
import { recordMoved } from "./support/results.ts";

const writer = (rowsPerSecond: number) => `python3 /opt/sqlite_writer.py ${rowsPerSecond}`;
const most = 200;

const program = (rowsPerSecond: number) => ({
  id: `sqlite-${rowsPerSecond}`,
  what: "SQLite in WAL mode on a named volume",
  how: `one process writes up to ${rowsPerSecond} rows a second, another one reads, both since before the moves, and after each move a third one opens it beside them: every acknowledged row is there, and the integrity check passes`,
  test: "test/e2e/programs/sqlite.ts",
});

/** SQLite in WAL mode on a named volume: one process writes, another one reads over the shared WAL index. */
export function sqlite(lab: TestLab, rowsPerSecond = most, journeys = allModes): void {
  test.each(journeys)(
    "SQLite, $name: every acknowledged row is there, and the database is whole",
    async ({ modes }) => {
      for (const each of ["h1", "h2"]) await lab.on(each, "docker volume rm -f rows");
      await lab.on(
        "h1",
        `docker run --pull never -d --name sqlite --user ${somebody} -v rows:/data servers ${writer(rowsPerSecond)}`,
      );
      await countsOn(lab, "h1", "sqlite");
      const check = `docker run --pull never --rm --user ${somebody} -v rows:/data servers python3 /opt/sqlite_check.py`;
      const whole = (said: string, acknowledged: number, expected: "used" | "alone") => {
        const [who, integrity, rows, last, wrong] = said.split(" ");
        expect([who, integrity, wrong]).toEqual([expected, "ok", "0"]);
        expect(Number(rows)).toBeGreaterThanOrEqual(acknowledged);
        expect(Number(last)).toBe(Number(rows) - 1);
      };
      const after = async (host: string) => {
        const counts = await countsOn(lab, host, "sqlite");
        // A newcomer that finds nobody's locks takes itself for the first one, and makes the shared index anew under the others.
        whole(await lab.on(host, check), counts.length, "used");
        await countsOn(lab, host, "sqlite");
      };
      const host = await moveBackAndForth(lab, { name: "sqlite", modes, after });
      const acknowledged = await logNumbers(lab, host, "sqlite");
      expectConsecutive(acknowledged);
      // As after a crash, which acknowledged rows must survive.
      whole(await lab.on(host, `docker kill sqlite >/dev/null && ${check}`), acknowledged.length, "alone");
      await lab.on(host, "docker rm -f sqlite && docker volume rm rows");
      recordMoved(program(rowsPerSecond), modes);
    },
  );
}

/** Locks that cannot be taken again on the destination. */
export function sqliteStays(lab: TestLab): void {
  // A container with a terminal is restored within Docker's create, others between that and start.
  test.each(isFullRun ? ["", "-t"] : [""])(
    "SQLite runs on where it was if its locks cannot be taken there (docker run %s)",
    async (flags) => {
      const command = writer(most);
      await lab.on(
        "h1",
        `docker run --pull never -d ${flags} --name sqlite --user ${somebody} -v rows:/data servers ${command}`,
      );
      await countsOn(lab, "h1", "sqlite");
      const program = "/usr/local/lib/godwit/godwit-state";
      const refuse = () =>
        lab.on("h2", `printf '#!/bin/sh\n[ "$1" = locks ] || exit 0\necho no locks today >&2; exit 1\n' >${program}`);
      const { status, stdout } = await lab.during("sync", refuse, "migrate", "h1/sqlite", "h2");
      expect(status, stdout.slice(-2000)).toBe(7);
      expect(stdout).toMatch(/"restore-failed".*could not go on: no locks today/);
      expectConsecutive(await countsOn(lab, "h1", "sqlite"));
      expect(await lab.on("h2", "docker ps -aq; docker volume ls -q")).toBe("");
      await lab.on("h2", "godwit setup");
      await lab.on("h1", "docker rm -f sqlite && docker volume rm rows");
    },
  );
}
