import { afterEach, describe, expect, test } from "vitest";
import type { DoctorReport } from "../../../src/contract/routes.ts";
import { isFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { startLooper } from "../support/looper.ts";
import { expectUnchanged } from "../support/unharmed.ts";
import { eventually } from "../support/wait.ts";

const lab = useLab("lacks", ["forky", "trixie"], ["busybox"]);

const agentAnswers = (host: string) => lab.on(host, "until godwit operations ls >/dev/null 2>&1; do sleep 0.1; done");

/** Found out in the same way as one that is missing. */
const doesNotWork = "a CRIU that does not work";
const criuFaults: [string, string, string][] = [
  ["no CRIU", "true", "criu-missing"],
  [
    doesNotWork,
    "printf '#!/bin/sh\\n[ $1 = --version ] && echo Version: 3.17.1' >/usr/sbin/criu; chmod 755 /usr/sbin/criu",
    "criu-missing",
  ],
  [
    "another CRIU",
    "printf '#!/bin/sh\\n[ $1 = --version ] && echo Version: 4.1.1 || exec /usr/sbin/criu.away \"$@\"' >/usr/sbin/criu; chmod 755 /usr/sbin/criu",
    "preflight-failed",
  ],
];

describe("a host that lacks something", () => {
  const restartAgent = async (host: string) => {
    const other = '[ "$(cat /run/godwit/agent.pid 2>/dev/null || echo $old)" != $old ]';
    await lab.on(host, `old=$(cat /run/godwit/agent.pid); kill $old; until ${other}; do sleep 0.1; done`);
    await agentAnswers(host);
  };
  afterEach(async () => {
    await lab.on("h2", "[ ! -e /usr/sbin/criu.away ] || mv /usr/sbin/criu.away /usr/sbin/criu; rm -f /run/lab/*.down");
    await agentAnswers("h2");
  });

  test.each(isFullRun ? criuFaults : criuFaults.filter(([name]) => name !== doesNotWork))(
    "%s",
    async (_, replace, code) => {
      await startLooper(lab, "h1", "looper");
      await lab.on("h2", `mv /usr/sbin/criu /usr/sbin/criu.away; ${replace}`);
      await restartAgent("h2");
      expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code, exit: 5 });
      expect((await lab.godwit("doctor", "h1", "h2")).status).toBe(5);
      await expectUnchanged(lab);
      await lab.on("h2", "mv /usr/sbin/criu.away /usr/sbin/criu");
      await restartAgent("h2");
    },
  );

  test("a runtime hook of another version than its agent is refused until 'godwit setup' runs", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.on("h2", "echo '# another' >>/usr/local/lib/godwit/godwit-runtime");
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code: "hook-missing", exit: 5 });
    await expectUnchanged(lab);
    await lab.on("h2", "godwit setup");
    expect(await lab.json("migrate", "h1/looper", "h2")).toMatchObject({ destination: "h2" });
  });

  test.each([
    ["its agent", "agent", "/run/godwit/agent.pid", "agent-unreachable"],
    ["its Docker", "dockerd", "/run/lab/dockerd.pid", "docker-unreachable"],
  ])("%s is down: 'godwit ps' lists the others, and doctor names the fault", async (_, what, pid, code) => {
    await startLooper(lab, "h1", "looper");
    await lab.on("h2", `touch /run/lab/${what}.down; kill $(cat ${pid})`);
    await eventually("it is down", async () =>
      (await lab.godwit("doctor", "h2")).stdout.includes("does not answer") ? true : undefined,
    );
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code, exit: 6 });
    expect(await lab.json("ps")).toMatchObject([
      { host: "h1", problem: null, containers: [{ name: "looper" }] },
      { host: "h2", problem: expect.stringContaining("does not answer") },
    ]);
    const doctor = await lab.godwit("doctor", "--json");
    expect(doctor.status).toBe(5);
    const reports = JSON.parse(doctor.stdout) as DoctorReport[];
    expect(reports[1]?.verdicts.filter(({ level }) => level === "fail")).toMatchObject([{ code }]);
    await lab.on("h2", `rm /run/lab/${what}.down`);
    await agentAnswers("h2");
    await eventually("it is up", async () => ((await lab.godwit("doctor", "h2")).status === 0 ? true : undefined));
    await expectUnchanged(lab);
  });
});
