import { expect, test } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { eventually } from "../support/wait.ts";
import { allModes, lanAddress, moveBackAndForth, onLan } from "./support/moves.ts";
import { recordMoved } from "./support/results.ts";

const program = {
  id: "postgres",
  what: "PostgreSQL on a named volume, with an address of its own on the LAN",
  how: "four clients of `pgbench` write without a pause: no transaction fails, every sum of the benchmark agrees, and `pg_amcheck` finds tables and indexes whole",
  test: "test/e2e/programs/postgres.ts",
};

const binaries = "/usr/lib/postgresql/17/bin";
const clientAddress = "10.88.0.78";
/** Makes the database at its first start, as PostgreSQL's own image does. */
const server = [
  `[ -e /pgdata/PG_VERSION ] || ${binaries}/initdb -D /pgdata --auth trust --no-sync`,
  'echo "host all all 10.88.0.0/24 trust" >>/pgdata/pg_hba.conf',
  `exec ${binaries}/postgres -D /pgdata -k /tmp -c listen_addresses=* -c shared_buffers=64MB -c fsync=off`,
].join("; ");
/** What the benchmark adds to one table it adds to all of them. */
const sums =
  "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = s AND (SELECT sum(bbalance) FROM pgbench_branches) = s AND (SELECT sum(tbalance) FROM pgbench_tellers) = s FROM (SELECT sum(delta) AS s FROM pgbench_history) AS history";

/** PostgreSQL as its own user, while clients write over the connections that they began on. */
export function postgres(lab: TestLab, journeys = allModes): void {
  const run = (host: string, ...words: string[]) =>
    lab.on(host, `docker exec -e PGHOST=/tmp postgres ${words.map((word) => `"${word}"`).join(" ")}`);
  const sql = (host: string, query: string) => run(host, `${binaries}/psql`, "-d", "postgres", "-Atc", query);

  test.each(journeys)("PostgreSQL, $name: no transaction fails, and the database is whole", async ({ modes }) => {
    for (const each of ["h1", "h2"]) await lab.on(each, "docker volume rm -f pgdata");
    const flags = `--user postgres --shm-size 128m -v pgdata:/pgdata ${onLan}`;
    await lab.on("h1", `docker run --pull never -d --name postgres ${flags} servers sh -c '${server}'`);
    // It writes an error into its log for whoever asks before it is ready.
    const isReady = async () =>
      (await lab.on("h1", "docker logs postgres 2>&1")).includes("ready to accept connections") || undefined;
    await eventually("PostgreSQL is ready", isReady);
    await run("h1", `${binaries}/pgbench`, "-i", "-s", "2", "-q", "postgres");

    const bench = `${binaries}/pgbench -h ${lanAddress} -U postgres -n -c 4 -j 2 -T 3600 -P 1 postgres`;
    const client = `--network lan --ip ${clientAddress} --user 1000:1000`;
    await lab.on("h1", `docker run --pull never -d --name bench ${client} servers ${bench}`);
    const after = async (host: string) => {
      const transactions = async () => Number(await sql(host, "SELECT count(*) FROM pgbench_history"));
      const before = await transactions();
      await eventually("the clients go on", async () => (await transactions()) > before + 50 || undefined);
      const said = await lab.on("h1", "docker logs bench 2>&1");
      expect(said).not.toMatch(/error|abort|[1-9]\d* failed/);
    };
    await after("h1");
    const host = await moveBackAndForth(lab, { name: "postgres", modes, after });
    await lab.on("h1", "docker rm -f bench");
    expect(await sql(host, sums)).toBe("t");
    const check = ["--install-missing", "--heapallindexed", "-d", "postgres"];
    expect(await run(host, `${binaries}/pg_amcheck`, ...check)).toBe("");
    const log = await lab.on(host, "docker logs postgres 2>&1");
    expect(log).not.toMatch(/PANIC|FATAL|was terminated/);
    await lab.on(host, "docker rm -f postgres && docker volume rm pgdata");
    recordMoved(program, modes);
  });
}
