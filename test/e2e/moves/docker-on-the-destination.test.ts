import { describe, expect, test } from "vitest";
import { countsOn, expectConsecutive, looperCommand } from "../support/looper.ts";
import { runScript, scriptRunner, scriptRunnerFlags } from "../support/script-runner.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { type } from "../support/terminal.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);

const run = (host: string, name: string, flags: string, begin?: string) =>
  lab.on(
    host,
    `docker run --pull never -d --name ${name} ${scriptRunnerFlags} ${flags} busybox sh -c '${scriptRunner(begin)}'`,
  );

/** What `docker inspect` says, by a template. */
const shown = (host: string, name: string, template: string) =>
  lab.on(host, `docker inspect --format '${template}' ${name}`);

const comesTo = (host: string, name: string, template: string, value: string) =>
  eventually(`${template} of ${name} on ${host} is ${value}`, async () => {
    const found = await shown(host, name, template);
    if (found !== value) throw new Error(`It is ${found}.`);
    return true;
  });

describe("the Docker of the destination", () => {
  test("shows and changes a moved container as any other: its health, name, files and exit status", async () => {
    const flags = [
      "--label com.docker.compose.project=shop --label com.docker.compose.service=web --restart on-failure:3",
      '--health-cmd "[ -e /ask/well ]" --health-interval 1s --health-retries 1 --stop-signal USR1 --stop-timeout 60',
    ].join(" ");
    await run("h1", "web", flags, 'trap "echo 99999; exit 7" USR1; echo made >>/made; touch /ask/well');
    const health = "{{.State.Health.Status}}";
    await comesTo("h1", "web", health, "healthy");
    await lab.json("migrate", "h1/web", "h2");
    for (const [command, status] of [
      ["true", "healthy"],
      ["rm /ask/well", "unhealthy"],
      ["touch /ask/well", "healthy"],
    ] as const) {
      await lab.on("h2", `docker exec web ${command}`);
      await comesTo("h2", "web", health, status);
    }
    const listed =
      "docker ps -a --filter label=com.docker.compose.project=shop --format '{{.Names}} {{.Label \"com.docker.compose.service\"}}'";
    expect(await lab.on("h1", listed)).toBe("");
    expect(await lab.on("h2", listed)).toBe("web web");

    expect(await lab.on("h2", "docker top web -o pid,args")).toMatch(/^\d+ +sh -c trap/m);
    expect(await lab.on("h2", "docker stats --no-stream --format '{{.Name}} {{.NetIO}}' web")).toMatch(
      /^web [\d.]+[kM]?B/,
    );
    expect(await lab.on("h2", "docker cp web:/made - | tar -xO")).toBe("made");
    expect(await lab.on("h2", "docker commit web committed >/dev/null; docker run --rm committed cat /made")).toBe(
      "made",
    );

    await lab.on("h2", "docker rename web shop");
    await lab.json("migrate", "h2/shop", "h1");
    expectConsecutive(await countsOn(lab, "h1", "shop"));
    await lab.on("h1", "docker stop shop");
    expect(await lab.on("h1", "docker logs --tail 1 shop")).toBe("99999");
    expect(await shown("h1", "shop", "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}")).toBe("exited 7 0");
    for (const [command, begun] of [
      ["start", 2],
      ["restart", 3],
    ] as const) {
      await lab.on("h1", `docker ${command} shop`);
      await comesTo("h1", "shop", health, "healthy");
      expect(await lab.on("h1", "docker exec shop cat /made")).toBe(Array(begun).fill("made").join("\n"));
    }
  });

  /** Makes the program exit by itself after it has set its trap. The command may end later than the program, and fail. */
  const end = (host: string, name: string) =>
    lab.attempt(host, `docker exec ${name} sh -c 'until [ -e /ask/ready ]; do sleep 0.05; done; kill -USR1 1'`);

  test("restarts it when it exits, as often as its restart policy allows", async () => {
    await run("h1", "counted", "--restart on-failure:2 --log-driver none", 'trap "exit 7" USR1; touch /ask/ready');
    const { warnings } = await lab.json<{ warnings: string[] }>("migrate", "h1/counted", "h2");
    expect(warnings).toEqual([]);
    expect((await lab.attempt("h2", "docker logs counted")).stderr).toContain("does not support reading");
    const state = "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}";
    for (const next of ["1 running 0", "2 running 0", "2 exited 7"]) {
      await end("h2", "counted");
      await comesTo("h2", "counted", state, next);
    }
    expect(await lab.on("h1", "docker ps -aq")).toBe("");
  });

  test("attaches to its terminal, resizes it, and restarts the container unless it was stopped", async () => {
    await run(
      "h1",
      "open",
      "-it --restart unless-stopped --security-opt seccomp=unconfined",
      'trap "exit 7" USR1; touch /ask/ready',
    );
    const size = "stty size </proc/1/fd/0; grep ^Seccomp: /proc/self/status; unshare -U true && echo allowed";
    const seen = (rows: number, columns: number) => `${rows} ${columns}\nSeccomp:\t0\nallowed`;
    await type(lab, "h1", "open", "first", { rows: 33, columns: 99 });
    expect(await runScript(lab, "h1", "open", size)).toBe(seen(33, 99));
    await lab.json("migrate", "h1/open", "h2");
    expect(await runScript(lab, "h2", "open", size)).toBe(seen(33, 99));
    // The terminal echoes what is typed into it; after that the program counts on.
    expect(await type(lab, "h2", "open", "typed there", { rows: 44, columns: 111 })).toMatch(
      /typed there\r\n\d+\r\n\d+\r\n/,
    );
    expect(await runScript(lab, "h2", "open", size)).toBe(seen(44, 111));
    await end("h2", "open");
    await comesTo("h2", "open", "{{.RestartCount}} {{.State.Status}}", "1 running");
    await lab.on("h2", "docker stop -t 0 open");
    expect(await shown("h2", "open", "{{.State.Status}}")).toBe("exited");
  });
});

describe("a log that goes to a log server", () => {
  /** A log server that writes what it receives to /run/told. */
  const serve = (host: string) =>
    lab.on(
      host,
      "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 5140, Proto => q(udp)); $| = 1; while ($s->recv($l, 9999)) { print qq($l\\n) }' >/run/told 2>&1 & echo $! >/run/server; until ss -lun | grep -q :5140; do sleep 0.05; done",
    );
  const loggedOn = async (host: string) =>
    [...(await lab.on(host, "cat /run/told")).matchAll(/: (\d+)$/gm)].map(([, number]) => Number(number));

  test("goes on from the other host, and a warning says that the history stays behind", async () => {
    for (const host of ["h1", "h2"]) await serve(host);
    const flags = "--log-driver syslog --log-opt syslog-address=udp://127.0.0.1:5140";
    await lab.on("h1", `docker run --pull never -d --name told ${flags} busybox ${looperCommand()}`);
    await eventually("h1 logs", async () => (await loggedOn("h1")).length > 5 || undefined);
    const { warnings } = await lab.json<{ warnings: string[] }>("migrate", "h1/told", "h2");
    expect(warnings).toEqual([
      expect.stringContaining("the container logs to syslog: godwit does not copy the history"),
    ]);
    await eventually("h2 logs", async () => (await loggedOn("h2")).length > 5 || undefined);
    expectConsecutive([...(await loggedOn("h1")), ...(await loggedOn("h2"))]);
    for (const host of ["h1", "h2"]) await lab.on(host, "kill $(cat /run/server)");
  });
});
