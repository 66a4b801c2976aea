import { describe, expect, test } from "vitest";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, idOf, startLooper, stateOf } from "../support/looper.ts";
import { eventually } from "../support/wait.ts";

// What a user, Docker or another container does during a rollback, a restore or a clone.
const lab = useLab("disturbed", ["trixie", "forky"], ["busybox"]);

const inspect = (host: string, name: string, format: string) =>
  lab.on(host, `docker inspect --format '${format}' ${name}`);
const networks = "{{range $name, $it := .NetworkSettings.Networks}}{{$name}}={{$it.IPAddress}} {{end}}";

test("on a network whose subnet Docker chose, as Compose makes them, a rollback keeps the container's name and ports", async () => {
  for (const host of ["h1", "h2"]) await lab.on(host, "docker network create composed");
  await startLooper(lab, "h1", "looper", { flags: "--network composed --network-alias alias -p 80" });
  await lab.json("checkpoint", "create", "h1/looper", "cp");
  const rollBack = async (host: string) => {
    const ports = await inspect(host, "looper", "{{json .NetworkSettings.Ports}}");
    const { warnings } = await lab.json<{ warnings: string[] }>("rollback", `${host}/looper`, "cp");
    expect(warnings).toEqual([expect.stringContaining("'composed', which was made without --subnet")]);
    await countsOn(lab, host, "looper");
    expect(await inspect(host, "looper", "{{json .NetworkSettings.Ports}}")).toBe(ports);
    const address = await inspect(host, "looper", "{{.NetworkSettings.Networks.composed.IPAddress}}");
    const look = "docker run --pull never --rm --network composed busybox nslookup alias";
    expect(await lab.on(host, look)).toContain(address);
  };
  await rollBack("h1");
  await lab.json("migrate", "h1/looper", "h2");
  await rollBack("h2");
  await lab.on("h2", "docker rm -f looper");
  for (const host of ["h1", "h2"]) await lab.on(host, "docker network rm composed");
});

describe("an image whose name now belongs to another one", () => {
  test("a rollback, a clone and a restore use the image of the checkpoint", async () => {
    const image = (version: string) =>
      lab.on(
        "h1",
        `docker rm -f maker; docker run --pull never --name maker busybox sh -c 'echo ${version} >/version' && docker commit maker app:1 && docker rm maker`,
      );
    const version = (name: string) => lab.on("h1", `docker exec ${name} cat /version`);
    await image("v1");
    const count = "i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done";
    await lab.on("h1", `docker run --pull never -d --name app app:1 sh -c '${count}'`);
    const first = await inspect("h1", "app", "{{.Image}}");
    await lab.json("checkpoint", "create", "h1/app", "cp");
    await image("v2");
    await lab.json("rollback", "h1/app", "cp");
    expect(await version("app")).toBe("v1");
    await lab.json("clone", "h1/app@cp", "twin");
    expect(await version("twin")).toBe("v1");
    await lab.on("h1", "docker rm -f app");
    await lab.json("restore", "h1/app", "cp");
    expect(await version("app")).toBe("v1");
    expect(await inspect("h1", "app", "{{.Image}}")).toBe(first);
    await lab.on("h1", `docker rm -f app twin; docker rmi -f ${first}`);
    expect(await lab.refusal("restore", "h1/app", "cp")).toMatchObject({
      code: "preflight-failed",
      message: expect.stringContaining("app:1 was sha256:"),
    });
  });
});

describe("while a container is rolled back", () => {
  test("another container starts to use its volume: the rollback is given up, and both keep the volume", async () => {
    await startLooper(lab, "h1", "looper", { flags: "-v data:/data" });
    await lab.on("h1", "docker exec looper dd if=/dev/urandom of=/data/large bs=1000000 count=300");
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    const loop = "echo kept >/data/late; sleep 600";
    await lab.on("h1", `docker create --pull never --name late -v data:/data busybox sh -c '${loop}'`);
    const before = await idOf(lab, "h1", "looper");
    const late = () => lab.on("h1", "docker start late");
    const { status, stdout } = await lab.during("sync", late, "rollback", "h1/looper", "cp");
    expect(status).toBe(5);
    expect(stdout).toMatch(/volume 'data'.*'late'/);
    expect(await idOf(lab, "h1", "looper")).toBe(before);
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    expect(await lab.on("h1", "docker exec late cat /data/late && docker exec looper cat /data/late")).toBe(
      "kept\nkept",
    );
    await lab.on("h1", "docker rm -f looper late; docker volume rm data");
  });

  test("it is killed and cannot be rolled back: it still has its networks when it is started again", async () => {
    await lab.on("h1", "mkdir -p /srv/bound; docker network create --subnet 172.31.9.0/24 inner");
    const flags = "--network inner --ip 172.31.9.9 --network-alias alias -p 8099:80 -v /srv/bound:/bound";
    const count = "exec 5>>/bound/log; i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done";
    await lab.on("h1", `docker run --pull never -d --name looper ${flags} busybox sh -c '${count}'`);
    await countsOn(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    // Without this file CRIU refuses.
    await lab.on("h1", "rm /srv/bound/log");
    const kill = () => lab.on("h1", "docker kill looper");
    const { status, stdout } = await lab.during("switchover", kill, "rollback", "h1/looper", "cp");
    expect(status).toBe(7);
    expect(stdout).toMatch(/could not be rolled back to 'cp', and 'looper' has ended meanwhile, with status 137: /);
    expect(await stateOf(lab, "h1", "looper")).toBe("exited");
    await lab.on("h1", "docker start looper");
    await eventually("it is on its network", async () => {
      const found = await inspect("h1", "looper", `${networks} {{json .NetworkSettings.Ports}}`);
      return (found.includes("inner=172.31.9.9") && found.includes("8099")) || undefined;
    });
    await lab.on("h1", "docker rm -f looper; docker network rm inner; rm -r /srv/bound");
  });

  test("its user renames and kills it: the rollback undoes that, and says so", async () => {
    await startLooper(lab, "h1", "looper", { flags: "--restart always" });
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    const act = () => lab.on("h1", "docker rename looper renamed; docker kill renamed");
    const { status, stdout } = await lab.during("switchover", act, "rollback", "h1/looper", "cp");
    expect(status, stdout.slice(-2000)).toBe(0);
    expect(stdout).toContain("'looper' ended or was stopped meanwhile; it runs again, from the checkpoint.");
    expect(stdout).toContain("'looper' was renamed to 'renamed' meanwhile; it has its former name again.");
    await countsOn(lab, "h1", "looper");
    expect(await lab.on("h1", "docker ps -a --format '{{.Names}}'")).toBe("looper");
    expect(await inspect("h1", "looper", "{{.HostConfig.RestartPolicy.Name}}")).toBe("always");
  });
});

test("volumes whose names begin alike get separate copies for a clone", async () => {
  const long = "a_project_with_a_rather_long_name_of_2026_data";
  await startLooper(lab, "h1", "looper", { flags: `-v ${long}_one:/one -v ${long}_two:/two` });
  await lab.on("h1", "docker exec looper sh -c 'echo one >/one/file; echo two >/two/file'");
  await lab.json("clone", "h1/looper", "twin");
  expect(await lab.on("h1", "docker exec twin cat /one/file /two/file")).toBe("one\ntwo");
  await lab.on("h1", "docker rm -f -v looper twin; docker volume prune -af");
});
