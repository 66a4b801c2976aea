import { describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, logNumbers, startLooper, stateOf } from "../support/looper.ts";
import { eventually } from "../support/wait.ts";

const lab = useLab("docker-checkpoints", ["trixie", "forky"], ["busybox"]);

// Since Docker 28, Docker itself cannot restore them.
const versions = [
  ["Docker 28", "h2"],
  ["Docker 26", "h1"],
];

describe.each(isFullRun ? versions : versions.slice(0, 1))(
  "a checkpoint that 'docker checkpoint create' made on %s",
  (_, host) => {
    test("is listed, and godwit restores it", async () => {
      await lab.godwit("lab", "image", host, "busybox");
      await experimental(host);
      await startLooper(lab, host, "theirs");
      await lab.on(host, "docker checkpoint create theirs by-docker");
      await eventually("it has stopped", async () => (await stateOf(lab, host, "theirs")) === "exited" || undefined);
      const stopped = await logNumbers(lab, host, "theirs");
      expect(await lab.json("checkpoint", "ls", `${host}/theirs`)).toMatchObject([
        { host, checkpoints: [{ name: "by-docker", origin: "docker", container: "theirs" }] },
      ]);
      await lab.json("restore", `${host}/theirs`, "by-docker");
      const after = await countsOn(lab, host, "theirs");
      expect(after.slice(0, stopped.length)).toEqual(stopped);
      expectConsecutive(after);
    });
  },
);

/** Docker checkpoints only with this setting, which it reads at its start. */
async function experimental(host: string): Promise<void> {
  const file = "/etc/docker/daemon.json";
  const settings = JSON.parse(await lab.on(host, `cat ${file}`));
  await lab.on(host, `cat >${file}`, JSON.stringify({ ...settings, experimental: true }));
  await lab.on(host, "kill $(cat /run/lab/dockerd.pid)");
  await eventually(`Docker on ${host} is experimental`, async () => {
    const info = await lab.attempt(host, "docker version --format '{{.Server.Experimental}}'");
    return info.stdout.trim() === "true" || undefined;
  });
}
