import { describe, expect, test } from "vitest";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, startLooper } from "../support/looper.ts";
import { eventually } from "../support/wait.ts";

const lab = useLab("setup", ["trixie", "forky"], ["busybox"]);
const daemonFile = "/etc/docker/daemon.json";
const runtimes = (host: string) => lab.on(host, "docker info --format '{{json .Runtimes}}'").then(JSON.parse);

describe.each([
  ["Docker 26", "h1"],
  ["Docker 28", "h2"],
])("godwit setup on %s", (_, host) => {
  test("can run twice, and --remove twice: other settings stay, and running containers are not touched", async () => {
    const looper = `docker run --pull never -d --restart always --name bystander busybox sh -c 'i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done'`;
    if (host === "h2") await lab.godwit("lab", "image", host, "busybox");
    await lab.on(host, "godwit setup --remove && rm -f /etc/docker/daemon.json*");
    const own = {
      labels: ["rack=7"],
      runtimes: { other: { path: "/usr/sbin/runc" } },
      "log-opts": { "max-size": "9m" },
    };
    await lab.on(host, `cat >${daemonFile} && kill -HUP $(pidof dockerd)`, JSON.stringify(own));
    await lab.on(host, looper);
    const pid = await lab.on(host, "docker inspect -f '{{.State.Pid}}' bystander");
    const config = async () => JSON.parse(await lab.on(host, `cat ${daemonFile}`));

    for (const round of [1, 2]) {
      const { changed } = JSON.parse(await lab.on(host, "godwit --json setup"));
      expect(changed).toBe(round === 1);
      const { runtimes: registered, ...others } = await config();
      expect(others).toEqual({ labels: own.labels, "log-opts": own["log-opts"] });
      expect(registered).toEqual({ ...own.runtimes, godwit: { path: expect.stringContaining("godwit-runtime") } });
      expect(Object.keys(await runtimes(host))).toContain("godwit");
    }
    expect(await lab.on(host, "docker run --pull never --rm --runtime godwit busybox echo through the hook")).toBe(
      "through the hook",
    );
    for (const round of [1, 2]) {
      const { changed } = JSON.parse(await lab.on(host, "godwit --json setup --remove"));
      expect(changed).toBe(round === 1);
      expect(await config()).toEqual(own);
      expect(Object.keys(await runtimes(host))).not.toContain("godwit");
    }
    expect(await lab.on(host, "docker inspect -f '{{.State.Pid}} {{.RestartCount}}' bystander")).toBe(`${pid} 0`);
    expectConsecutive(await countsOn(lab, host, "bystander"));
    await lab.on(host, "rm -f /etc/docker/daemon.json* && godwit setup");
  });

  test("--remove is refused while a container uses the hook, and names it", async () => {
    if (host === "h2") await lab.godwit("lab", "image", host, "busybox");
    await startLooper(lab, host, "user-of-hook", { flags: "--runtime godwit" });
    const refused = await lab.attempt(host, "godwit setup --remove");
    expect(refused).toMatchObject({ status: 5, stderr: expect.stringContaining("user-of-hook") });
    expect(Object.keys(await runtimes(host))).toContain("godwit");
    expectConsecutive(await countsOn(lab, host, "user-of-hook"));
  });

  test("while the agent is down, ordinary containers start under the hook, and one that waits for a restore does not", async () => {
    if (host === "h2") await lab.godwit("lab", "image", host, "busybox");
    const waiting = await lab.on(
      host,
      "docker create --pull never --runtime godwit --name waiting busybox echo from scratch",
    );
    await lab.on(host, "touch /run/lab/agent.down && kill -9 $(cat /run/lab/agent.pid)");
    try {
      expect(await lab.on(host, "docker run --pull never --rm --runtime godwit busybox echo as ever")).toBe("as ever");
      const pending = `/var/lib/godwit/pending/${waiting}`;
      await lab.on(host, `mkdir -p ${pending} && mkfifo ${pending}/go`);
      const refused = await lab.attempt(host, "docker start -a waiting");
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toMatch(/godwit: .*waits for its state.*must not start from scratch/);
      expect(await lab.on(host, "docker logs waiting 2>&1")).toBe("");
      await lab.on(host, `rm -r ${pending}`);
      expect(await lab.on(host, "docker start -a waiting")).toBe("from scratch");
    } finally {
      await lab.on(host, "rm -f /run/lab/agent.down");
    }
    await eventually("the agent is back", async () => (await lab.godwit("ps")).status === 0 || undefined);
  });
});
