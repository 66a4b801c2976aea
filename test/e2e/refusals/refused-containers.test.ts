import { beforeAll, describe, expect, test } from "vitest";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, stateOf } from "../support/looper.ts";
import { makePrograms } from "../support/programs.ts";
import { eventually } from "../support/wait.ts";
import { obstaclesOf, unsupported } from "./obstacles.ts";

const lab = useLab("refused-containers", ["forky", "trixie"], ["busybox"]);
beforeAll(() => makePrograms(lab, "h1", ["open-proc-files"]));

describe("a host whose CRIU cannot read the limits of other users' processes", () => {
  /** Returns when the old agent has ended: it could answer for a moment. */
  const end = "agent=$(cat /run/lab/agent.pid); kill $agent; while kill -0 $agent 2>/dev/null; do sleep 0.1; done";
  const agentAnew = (change: string) => lab.on("h2", `${change}; ${end}`);
  const answers = () =>
    eventually("the agent of h2 is back", async () => (await lab.godwit("doctor", "h2")).status === 0 || undefined);
  const doctorOf = async (host: string) => {
    const report = await lab.json<{ verdicts: { check: string; level: string }[] }[]>("doctor", host);
    return report[0]?.verdicts.find(({ check }) => check === "other-users")?.level;
  };
  /** Starts as root, and gives its rights up, as most servers do. */
  const count = "i=0; while true; do echo \\$i; i=\\$((i+1)); sleep 0.1; done";
  const server = `sh -c 'echo app:x:1000:1000::/:/bin/sh >>/etc/passwd; exec su app -c "${count}"'`;

  test("says so in doctor and ps, and refuses a server that runs as another user before anything is copied", async () => {
    await lab.godwit("lab", "image", "h2", "busybox");
    await lab.on("h2", `docker run --pull never -d --name server busybox ${server}`);
    await agentAnew("mv /usr/local/sbin/criu /root/criu");
    try {
      await answers();
      expect([await doctorOf("h1"), await doctorOf("h2")]).toEqual(["ok", "warn"]);
      await countsOn(lab, "h2", "server");
      const refusal =
        /: sh \(pid 1\) runs as user 1000.* and CRIU cannot read .* on h2, where CAP_SYS_RESOURCE is missing/;
      const says = [expect.stringMatching(/sh \(pid 1\) runs as user 1000/)];
      expect(await obstaclesOf(lab, "h2", "server")).toEqual(says);
      expect(await lab.refusal("migrate", "h2/server", "h1")).toMatchObject(unsupported(refusal));
      expect(await lab.refusal("checkpoint", "create", "h2/server", "cp")).toMatchObject(unsupported(refusal));
      expectConsecutive(await countsOn(lab, "h2", "server"));
      expect(await stateOf(lab, "h1", "server")).toBeUndefined();
    } finally {
      await agentAnew("mv /root/criu /usr/local/sbin/criu");
      await answers();
    }
    await lab.json("migrate", "h2/server", "h1");
    expectConsecutive(await countsOn(lab, "h1", "server"));
  });
});

describe("open files below /proc", () => {
  const start = (name: string, ...paths: string[]) =>
    lab.on("h1", `docker run --pull never -d --name ${name} programs open-proc-files ${paths.join(" ")}`);

  test("of a thread: a checkpoint warns, and a rollback, clone or move is refused before it begins", async () => {
    await start("watcher", "/proc/self/task/TID/stat");
    await countsOn(lab, "h1", "watcher");
    const message = /has \/proc\/1\/task\/\d+\/stat open, which CRIU cannot restore/;
    const taken = await lab.json<{ warnings: string[] }>("checkpoint", "create", "h1/watcher", "cp");
    expect(taken.warnings).toEqual([expect.stringMatching(message)]);
    const plain = await lab.godwit("checkpoint", "create", "h1/watcher", "again");
    expect(plain.stdout + plain.stderr).toMatch(message);
    for (const asked of [
      ["rollback", "h1/watcher", "cp"],
      ["checkpoint", "create", "h1/watcher", "end", "--stop"],
      ["clone", "h1/watcher", "copy"],
      ["migrate", "h1/watcher", "h2"],
    ])
      expect(await lab.refusal(...asked)).toMatchObject(unsupported(message));
    expect(await obstaclesOf(lab, "h1", "watcher")).toEqual([expect.stringMatching(message)]);
    expectConsecutive(await countsOn(lab, "h1", "watcher"));
    expect(await stateOf(lab, "h1", "copy")).toBeUndefined();
  });

  test("of the system, of the program itself, or of another process, and a file of Docker: the container moves", async () => {
    await start(
      "reader",
      "/proc/meminfo",
      "/proc/self/status",
      "/proc/self/task/1/stat",
      "/proc/KID/stat",
      "/etc/hosts",
    );
    await countsOn(lab, "h1", "reader");
    expect(await obstaclesOf(lab, "h1", "reader")).toEqual([]);
    await lab.json("migrate", "h1/reader", "h2");
    expectConsecutive(await countsOn(lab, "h2", "reader"));
  });
});

test.each([
  ["open", "exec 3</data/busybox", "sh"],
  ["mapped", "/data/busybox sleep 9999 & sleep 1", "busybox"],
])(
  "a file of a volume that is %s lost its name, and has another one: refused before anything begins",
  async (how, use, by) => {
    const lose = `cp $(which busybox) /data/busybox; ln /data/busybox /data/other; ${use}; rm /data/busybox`;
    const count = "i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done";
    await lab.on("h1", `docker run --pull never -d -v ${how}:/data --name linked busybox sh -c '${lose}; ${count}'`);
    await countsOn(lab, "h1", "linked");
    const message = new RegExp(
      `the file /data/busybox \\(a name that was removed; the file has another one\\) \\(process \\d+, ${by}[,)]`,
    );
    expect(await lab.refusal("migrate", "h1/linked", "h2")).toMatchObject(unsupported(message));
    expectConsecutive(await countsOn(lab, "h1", "linked"));
  },
);
