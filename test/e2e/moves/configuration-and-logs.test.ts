import { describe, expect, test } from "vitest";
import { countsOn, expectConsecutive, startLooper } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["trixie", "forky"], ["busybox"]);

interface Inspect {
  Name: string;
  Image: string;
  Path: string;
  Args: string[];
  Config: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
  Mounts: Record<string, unknown>[];
  RestartCount: number;
  State: { Pid: number; Running: boolean };
}

async function inspect(host: string, name: string): Promise<Inspect> {
  const [found] = JSON.parse(await lab.on(host, `docker inspect ${name}`)) as Inspect[];
  if (!found) throw new Error(`no container ${name} on ${host}`);
  return found;
}

/** What the user configured. The runtime is left out: it is godwit's own hook after the first move. */
function configured({ Name, Image, Path, Args, Config, HostConfig, Mounts }: Inspect) {
  const { Runtime: _, ...host } = HostConfig;
  const byPlace = Mounts.toSorted((a, b) => String(a.Destination).localeCompare(String(b.Destination)));
  return { Name, Image, Path, Args, Config, HostConfig: host, Mounts: byPlace };
}

const flags = [
  "-e GREETING='hello there' -e EMPTY= --label tier=front --label 'note=two words'",
  `--hostname inner --workdir /srv --user 1000:1000 --group-add 2000`,
  "-p 8081:8080 -p 127.0.0.1:8082:8080/udp --expose 9000 --add-host extra:10.1.2.3 --dns 10.9.9.9",
  "-v data:/data -v /srv/bound:/bound:ro --tmpfs /scratch:size=2m,mode=1777",
  "--restart always --stop-signal SIGINT --ulimit nofile=500:600 --cap-drop NET_RAW --shm-size 8m",
  "--log-driver json-file --log-opt max-size=5m --log-opt max-file=3",
].join(" ");

const command =
  "sh -c 'echo kept >/scratch/file; httpd -p 8080 -h /data; i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done'";

describe("a container that moves", () => {
  test("has the same configuration on the other host, and back on the first", async () => {
    for (const host of ["h1", "h2"])
      await lab.on(host, "mkdir -p /srv/bound && echo from $(hostname) >/srv/bound/file");
    await lab.on(
      "h1",
      "docker run --pull never --rm -v data:/data busybox sh -c 'chmod 777 /data; echo page >/data/page; chmod 666 /data/page'",
    );
    await lab.on("h1", `docker run --pull never -d --name full ${flags} busybox ${command}`);
    const before = await inspect("h1", "full");
    await countsOn(lab, "h1", "full");

    await lab.json("migrate", "h1/full", "h2");
    expectConsecutive(await countsOn(lab, "h2", "full"));
    const there = configured(await inspect("h2", "full"));
    // A newer Docker may know more settings than an older one. Here those are compared that both know; on h1 all are.
    for (const part of ["Config", "HostConfig"] as const) {
      const known = Object.keys(configured(before)[part]).filter((key) => key in there[part]);
      expect(known.length).toBeGreaterThan(10);
      for (const key of known) expect([key, there[part][key]]).toEqual([key, configured(before)[part][key]]);
    }
    const { Config: _, HostConfig: __, Mounts: mounts, ...rest } = there;
    expect(configured(before)).toMatchObject(rest);
    expect(mounts.map(({ Type, Name, Destination, RW }) => ({ Type, Name, Destination, RW }))).toEqual(
      configured(before).Mounts.map(({ Type, Name, Destination, RW }) => ({ Type, Name, Destination, RW })),
    );
    const seen = await lab.on(
      "h2",
      "docker exec full sh -c 'cat /scratch/file /data/page /bound/file; hostname; pwd; id -u; id -g; echo $GREETING; ulimit -n; grep extra /etc/hosts'",
    );
    expect(seen.split("\n")).toEqual([
      ...["kept", "page", "from h2", "inner", "/srv", "1000", "1000", "hello there", "500"],
      expect.stringMatching(/^10\.1\.2\.3\s+extra$/),
    ]);
    expect(await lab.on("h1", "busybox wget -qO- http://10.88.0.2:8081/page")).toBe("page");
    expect(await lab.on("h1", "docker ps -aq; docker volume ls -q")).toBe("");

    await lab.on("h2", "docker exec full sh -c 'echo more >>/data/page'");
    await lab.json("migrate", "h2/full", "h1");
    expectConsecutive(await countsOn(lab, "h1", "full"));
    expect(configured(await inspect("h1", "full"))).toEqual(configured(before));
    expect(await lab.on("h1", "docker exec full cat /data/page /scratch/file")).toBe("page\nmore\nkept");
    expect(await lab.on("h2", "docker volume ls -q")).toBe("");
  });

  test("with the restart policy 'always' is not started again on the source, and is restarted on the destination", async () => {
    await startLooper(lab, "h1", "looper", { flags: "--restart always" });
    await lab.json("migrate", "h1/looper", "h2");
    expectConsecutive(await countsOn(lab, "h2", "looper"));
    expect(await lab.on("h1", "docker ps -a --format '{{.Names}}'")).toBe("");
    const { State } = await inspect("h2", "looper");
    await lab.on("h2", `kill -9 ${State.Pid}`);
    await eventually("Docker has restarted the killed container", async () => {
      const now = await inspect("h2", "looper");
      return (now.State.Running && now.RestartCount > 0 && now.State.Pid !== State.Pid) || undefined;
    });
    expect(await lab.on("h1", "docker ps -a --format '{{.Names}}'")).toBe("");
  });

  test("stays stopped after a checkpoint with --stop, though its restart policy is 'always'", async () => {
    await startLooper(lab, "h1", "looper", { flags: "--restart always --runtime godwit" });
    await lab.json("checkpoint", "create", "h1/looper", "cp", "--stop");
    const stopped = await inspect("h1", "looper");
    expect(stopped).toMatchObject({ State: { Running: false }, HostConfig: { RestartPolicy: { Name: "always" } } });
    await lab.json("restore", "h1/looper", "cp");
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    expect((await inspect("h1", "looper")).HostConfig.RestartPolicy).toMatchObject({ Name: "always" });
  });

  test.each([
    ["json-file", "--log-driver json-file --log-opt max-size=2k --log-opt max-file=50"],
    ["local", "--log-driver local --log-opt max-size=1m"],
  ])("keeps its log with the driver %s, through rotation", async (driver, flags) => {
    await startLooper(lab, "h1", "looper", { flags, pause: 0.05 });
    await countsOn(lab, "h1", "looper", 80);
    const before = await inspect("h1", "looper");
    await lab.json("migrate", "h1/looper", "h2");
    expectConsecutive(await countsOn(lab, "h2", "looper", 40));
    await lab.json("migrate", "h2/looper", "h1");
    expectConsecutive(await countsOn(lab, "h1", "looper", 40));
    const after = await inspect("h1", "looper");
    expect(after.HostConfig.LogConfig).toEqual(before.HostConfig.LogConfig);
    expect(after.HostConfig.LogConfig).toMatchObject({ Type: driver });
  });
});
