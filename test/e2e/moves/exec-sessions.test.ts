import { describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { countsOn, expectConsecutive, startLooper } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "trixie"]);

/** Waits until so many of these run in a container. */
const inside = (host: string, name: string, command: string, count: number) =>
  eventually(`${command} runs in ${name}`, async () => {
    const listed = await lab.on(host, `docker top ${name}`);
    return listed.split(command).length - 1 >= count || undefined;
  });

const move = async (name: string, from: string, to: string, ...flags: string[]) =>
  (await lab.json<{ warnings: string[] }>("migrate", `${from}/${name}`, to, ...flags)).warnings;

describe("a session of 'docker exec'", () => {
  test("is named before the move and ends with status 137, and nothing hangs", async () => {
    await startLooper(lab, "h1", "entered");
    const enter = (flags: string) =>
      lab.attempt(
        "h1",
        `timeout 100 script -qec 'docker exec ${flags} entered sh -c "echo inside; exec sleep 300"' /dev/null`,
      );
    const sessions = [enter(""), enter("-it")];
    await inside("h1", "entered", "sleep 300", 2);
    expect(await move("entered", "h1", "h2")).toEqual([
      expect.stringContaining("the move ends 2 sessions of 'docker exec' (sh)"),
    ]);
    for (const { status, stdout } of await Promise.all(sessions)) {
      expect(stdout).toContain("inside");
      expect(status).toBe(137);
    }
    expectConsecutive(await countsOn(lab, "h2", "entered"));
    expect(await lab.on("h2", "docker top entered")).not.toContain("sleep 300");
    expect(await lab.on("h2", "docker inspect --format '{{.ExecIDs}}' entered")).toBe("[]");
  });
});

/** Counts, and answers on a unix socket whoever connects there, as databases do. */
const server = `$SIG{CHLD} = q(IGNORE); $| = 1;
  $listening = IO::Socket::UNIX->new(Local => q(/run/socket), Listen => 64) or die;
  if (!fork) { while ($peer = $listening->accept) { if (!fork) { while (<$peer>) { print $peer $_ } exit } } }
  for ($i = 0; ; $i++) { print qq($i\\n); select undef, undef, undef, 0.1 }`;
/** Asks so many times, ten times a second. */
const client = (times: number) => `$server = IO::Socket::UNIX->new(q(/run/socket)) or exit 1;
  for (1..${times}) { print $server qq(asked\\n); <$server> eq qq(asked\\n) or exit 1; select undef, undef, undef, 0.1 }`;
const perl = (program: string) => `perl -MIO::Socket::UNIX -e "${program.replaceAll("$", "\\$")}"`;

describe("a session or a health check that is connected to the container's own processes", () => {
  test.each(isFullRun ? ["postcopy", "cold"] : ["postcopy"])(
    "%s: a session ends, a health check runs again there",
    async (mode) => {
      // Nearly always a health check is under way.
      const health = "--health-interval 50ms --health-timeout 30s --health-retries 50";
      await lab.on("h1", `cat >/run/check`, `#!/bin/sh\nexec ${perl(client(5))}\n`);
      await lab.on("h1", `cat >/run/serve`, `#!/bin/sh\nexec ${perl(server)}\n`);
      await lab.on(
        "h1",
        `docker create --pull never --name db ${health} --health-cmd /check gcc /serve && chmod 755 /run/check /run/serve &&
       docker cp /run/check db:/ && docker cp /run/serve db:/ && docker start db`,
      );
      const healthy = (host: string) =>
        eventually(`db is healthy on ${host}`, async () => {
          const status = await lab.on(host, "docker inspect --format '{{.State.Health.Status}}' db");
          return status === "healthy" || undefined;
        });
      await healthy("h1");
      await lab.on(
        "h1",
        `docker exec -i db sh -c 'cat >/session; chmod 755 /session'`,
        `#!/bin/sh\n${perl(client(3000))}\n`,
      );
      const session = lab.attempt("h1", "docker exec db /session");
      await inside("h1", "db", "1..3000", 1);
      expect(await move("db", "h1", "h2", "--mode", mode)).toEqual([
        expect.stringContaining("the move ends 1 session of 'docker exec' (session)"),
      ]);
      expect((await session).status).toBe(137);
      await healthy("h2");
      expect(await move("db", "h2", "h1", "--mode", mode)).toEqual([]);
      await healthy("h1");
      expectConsecutive(await countsOn(lab, "h1", "db"));
    },
  );
});
