import { describe, expect, test } from "vitest";
import { testInFullRun } from "../support/full-run.ts";
import { countsOn, expectConsecutive, looperCommand, startLooper, stateOf } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";

const lab = useSharedLab(["trixie", "forky"], ["busybox"]);

/** Everything that a test or a move made. */
const left = (host: string) =>
  lab.on(
    host,
    "docker ps -aq; docker volume ls -q; docker network ls --filter type=custom -q; ls -d /srv/bound* 2>/dev/null || :",
  );

/** Something that listens on a UDP port of a host; its process id is in /run/squatter. */
const squat = (host: string, port: number) =>
  lab.on(
    host,
    `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => ${port}, Proto => q(udp)); sleep 300' >/dev/null 2>&1 & echo $! >/run/squatter; until ss -lun | grep -q :${port}; do sleep 0.05; done`,
  );

describe("bind mounts", () => {
  const look = (host: string) =>
    lab.on(host, "cd /srv/bound && find . -exec stat -c '%n %F %a %u:%g %h %y' {} + | sort; cat conf; cat deep/a");

  test("are copied into a new path, and never over one that exists", async () => {
    await lab.on(
      "h1",
      "mkdir -p /srv/bound/deep && cd /srv/bound && echo a >deep/a && ln deep/a hard && chown 12:34 deep && mkfifo fifo && echo conf >conf",
    );
    const flags = "-v /srv/bound:/bound -v /srv/bound/conf:/etc/conf:ro -v /var/run/docker.sock:/sock";
    await startLooper(lab, "h1", "binder", { flags });
    expect(await lab.refusal("migrate", "h1/binder", "h2")).toMatchObject({
      code: "preflight-failed",
      message: expect.stringMatching(/paths of bind mounts do not exist: \/srv\/bound/),
      hint: expect.stringContaining("--bind copy"),
    });
    const before = await look("h1");
    await lab.json("migrate", "h1/binder", "h2", "--bind", "copy");
    expectConsecutive(await countsOn(lab, "h2", "binder"));
    expect(await look("h2")).toBe(before);
    expect(await lab.on("h2", "docker exec binder sh -c 'echo more >>/bound/deep/a; cat /etc/conf'")).toBe("conf");
    expect(await lab.on("h2", "cat /srv/bound/hard")).toBe("a\nmore");
    expect(await lab.refusal("migrate", "h2/binder", "h1", "--bind", "copy")).toMatchObject({
      message: expect.stringMatching(/would overwrite them: .*\/srv\/bound/),
      hint: expect.stringContaining("mv /srv/bound"),
    });
    await lab.on("h1", "rm -r /srv/bound");
    await lab.json("migrate", "h2/binder", "h1", "--bind", "copy");
    expect(await lab.on("h1", "docker exec binder cat /bound/hard")).toBe("a\nmore");
    await lab.on("h1", "rm -r /srv/bound");
    await lab.on("h2", "rm -r /srv/bound");
  });
});

describe("volumes", () => {
  test("without a name, tmpfs mounts and shared memory move along, and Docker still removes volumes without a name", async () => {
    const fill = "echo a >/anon/a; echo b >/scratch/b; echo c >/dev/shm/c";
    const flags = "-v /anon --mount type=volume,dst=/sourceless --tmpfs /scratch:size=1m";
    await lab.on(
      "h1",
      `docker run --pull never -d --name volumes --rm ${flags} busybox sh -c '${fill}; exec ${looperCommand().replaceAll("'", '"').replace("/bin/sh -c", "sh -c").replaceAll("$", "\\$")}'`,
    );
    await countsOn(lab, "h1", "volumes");
    await lab.on("h1", "docker exec volumes sh -c 'echo d >/sourceless/d'");
    await lab.json("migrate", "h1/volumes", "h2");
    expectConsecutive(await countsOn(lab, "h2", "volumes"));
    const files = "cat /anon/a /scratch/b /dev/shm/c /sourceless/d";
    expect(await lab.on("h2", `docker exec volumes ${files}`)).toBe("a\nb\nc\nd");
    expect(await left("h1")).toBe("");
    await lab.json("migrate", "h2/volumes", "h1");
    expect(await lab.on("h1", `docker exec volumes ${files}`)).toBe("a\nb\nc\nd");
    await lab.on(
      "h1",
      "docker kill volumes >/dev/null; while docker inspect volumes >/dev/null 2>&1; do sleep 0.1; done",
    );
    expect(await left("h1")).toBe("");
    expect(await left("h2")).toBe("");
  });

  test("keep their labels; one that another container uses is named, and copied only with --shared-volumes copy", async () => {
    await lab.on("h1", "docker volume create --label com.docker.compose.volume=data both");
    await startLooper(lab, "h1", "one", { flags: "-v both:/data" });
    await lab.on("h1", "docker create --name two -v both:/data busybox true; docker exec one sh -c 'echo x >/data/x'");
    expect(await lab.refusal("migrate", "h1/one", "h2")).toMatchObject({
      code: "preflight-failed",
      message: expect.stringMatching(/other containers use the volume both too \(two\)/),
      hint: expect.stringContaining("--shared-volumes copy"),
    });
    await lab.json("migrate", "h1/one", "h2", "--shared-volumes", "copy");
    expect(await lab.on("h2", "docker exec one cat /data/x; docker volume inspect -f '{{.Labels}}' both")).toBe(
      "x\nmap[com.docker.compose.volume:data]",
    );
    expect(await lab.on("h1", "docker volume ls -q; docker run --rm -v both:/d busybox cat /d/x")).toBe("both\nx");
    await lab.on("h1", "docker rm two; docker volume rm both");
    await lab.on("h2", "docker rm -f one; docker volume rm both");
  });
});

describe("networks", () => {
  test("are created with their options, and the container keeps its address, alias and published ports", async () => {
    await lab.on(
      "h1",
      "docker network create --subnet 10.77.0.0/24 --label com.docker.compose.network=net -o com.docker.network.bridge.name=br77 net77",
    );
    const flags = "--network net77 --ip 10.77.0.9 --network-alias web -p 8088:80 -p 9099:90/udp";
    await startLooper(lab, "h1", "server", { flags });
    await lab.on("h1", "docker exec server sh -c 'echo page >/page; httpd -p 80 -h /'");
    expect(await lab.refusal("migrate", "h1/server", "h2")).toMatchObject({
      message: expect.stringContaining("no network named net77"),
      hint: expect.stringContaining("--create-networks"),
    });
    await squat("h2", 9099);
    expect(await lab.refusal("migrate", "h1/server", "h2", "--create-networks")).toMatchObject({
      message: expect.stringContaining("published port 9099/udp is in use"),
    });
    expect(await lab.on("h2", "docker network ls -q --filter name=net77")).toBe("");
    await lab.on("h2", "kill $(cat /run/squatter)");
    await lab.json("migrate", "h1/server", "h2", "--create-networks");
    expectConsecutive(await countsOn(lab, "h2", "server"));
    const options =
      "docker network inspect -f '{{.Driver}} {{(index .IPAM.Config 0).Subnet}} {{.Labels}} {{index .Options \"com.docker.network.bridge.name\"}}' net77";
    expect(await lab.on("h2", options)).toBe(await lab.on("h1", options));
    expect(await lab.on("h2", "docker run --rm --network net77 busybox wget -qO- http://web/page")).toBe("page");
    expect(
      await lab.on("h2", "docker exec server hostname -i; docker exec server grep server /etc/hosts || :"),
    ).toContain("10.77.0.9");
    expect(await lab.on("h1", "busybox wget -qO- http://10.88.0.2:8088/page")).toBe("page");
    await lab.on("h2", "docker rm -f server; docker network rm net77");
    await lab.on("h1", "docker network rm net77");
  });

  testInFullRun("published ports that Docker chose stay the same where they are free", async () => {
    await startLooper(lab, "h1", "chosen", { flags: "-p 80/udp -P --expose 81/udp" });
    const port = async (host: string, inside: string) =>
      Number((await lab.on(host, `docker port chosen ${inside}/udp`)).match(/:(\d+)$/m)?.[1]);
    const [one, other] = [await port("h1", "80"), await port("h1", "81")];
    await squat("h2", one);
    const { warnings } = await lab.json<{ warnings: string[] }>("migrate", "h1/chosen", "h2");
    expect(warnings).toEqual([expect.stringContaining(`published port ${one}/udp is in use already; Docker chose it`)]);
    const another = await port("h2", "80");
    expect(another).not.toBe(one);
    expect(await port("h2", "81")).toBe(other);
    expect(await lab.json("migrate", "h2/chosen", "h1")).toMatchObject({ warnings: [] });
    expect([await port("h1", "80"), await port("h1", "81")]).toEqual([another, other]);
    expectConsecutive(await countsOn(lab, "h1", "chosen"));
    await lab.on("h1", "docker rm -f chosen");
    await lab.on("h2", "kill $(cat /run/squatter)");
  });

  test("a port that is taken after the check makes the move fail with Docker's reason, and the original goes on", async () => {
    await startLooper(lab, "h1", "server", { flags: "-p 9098:90/udp" });
    const { status, stdout } = await lab.during("prepare", () => squat("h2", 9098), "migrate", "h1/server", "h2");
    expect(status, stdout.slice(-2000)).toBe(7);
    expect(stdout).toMatch(/"restore-failed".*9098.*'server' keeps running on h1/);
    expectConsecutive(await countsOn(lab, "h1", "server"));
    expect(await lab.on("h2", "docker ps -aq")).toBe("");
    await lab.on("h2", "kill $(cat /run/squatter)");
  });

  test("that were created for a cancelled move are removed again, and so are copied paths and volumes", async () => {
    await lab.on("h1", "mkdir -p /srv/bound/below && echo a >/srv/bound/below/a; docker network create net78");
    await startLooper(lab, "h1", "stays", { flags: "--network net78 -v /srv/bound/below:/b -v named:/n -v /anon" });
    const cancel = ({ pid }: { pid: number }) => Promise.resolve(process.kill(pid, "SIGINT"));
    const moving = ["migrate", "h1/stays", "h2", "--create-networks", "--bind", "copy"];
    const { status } = await lab.during("arm", cancel, ...moving);
    expect(status).toBe(8);
    expect(await left("h2")).toBe("");
    expectConsecutive(await countsOn(lab, "h1", "stays"));
    expect(await stateOf(lab, "h1", "stays")).toBe("running");
    await lab.on("h1", "docker rm -f -v stays; docker network rm net78; docker volume rm named; rm -r /srv/bound");
  });
});
