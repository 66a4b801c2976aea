import { describe, expect, test } from "vitest";
import { isFullRun } from "./support/extent.ts";
import { useLab } from "./support/lab.ts";
import { countsOn, expectConsecutive, idOf, startLooper, stateOf } from "./support/looper.ts";
import { eventually } from "./support/wait.ts";

const lab = useLab("checkpoints", ["forky", "forky"], ["busybox"]);

const store = (name: string) => `/var/lib/godwit/checkpoints/looper/${name}`;
const count = "i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done";

/** What changes when a container was ended and started again, whoever did it. */
const life = (name: string) =>
  lab.on("h1", `docker inspect --format '{{.Id}} {{.State.Pid}} {{.State.StartedAt}}' ${name}`);

async function expectNothingLeft(): Promise<void> {
  expect(await lab.on("h1", "ls -A /var/lib/godwit/pending /run/godwit/images | grep -v '^/' || true")).toBe("");
  expect(await lab.on("h1", "docker ps -a --format '{{.Names}}' | grep godwit || true")).toBe("");
  expect(await lab.on("h1", "find /var/lib/docker -maxdepth 3 -name '*.godwit-*'")).toBe("");
  expect(await lab.on("h1", "pgrep -x criu || true")).toBe("");
}

describe("a damaged checkpoint is refused before anything is stopped, and the file is named", () => {
  const damages: [string, string, string][] = [
    ["cut short", "truncate -s -1000 FILE", "images/pages-1.img has"],
    [
      "with one byte flipped",
      "printf '\\377' | dd of=FILE bs=1 seek=9000 conv=notrunc",
      "images/pages-1.img is not as",
    ],
    ["with a manifest that says nothing", `cd ${store("cp")} && rm manifest.json && mkfifo manifest.json`, "manifest"],
    [
      "copied by hand",
      `cd ${store("cp")}/.. && tar -cf /root/cp.tar cp && rm -r cp && tar -xf /root/cp.tar`,
      "(its time)",
    ],
  ];
  // src/checkpoint/manifest.test.ts finds these in every run.
  const more: [string, string, string][] = [
    ["empty", "truncate -s 0 FILE", "images/pages-1.img has 0 bytes"],
    ["without a file", "rm FILE", "images/pages-1.img is missing"],
    ["without its manifest", `rm ${store("cp")}/manifest.json`, "manifest is missing"],
  ];
  test.each(isFullRun ? [...damages, ...more] : damages)("%s", async (_, damage, says) => {
    await startLooper(lab, "h1", "looper", { flags: "-v data:/data" });
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await lab.on("h1", damage.replaceAll("FILE", `${store("cp")}/images/pages-1.img`));
    const before = await life("looper");
    const refusal = { code: "invalid-checkpoint", exit: 5, message: expect.stringContaining(says) };
    expect(await lab.refusal("rollback", "h1/looper", "cp")).toMatchObject(refusal);
    expect(await lab.refusal("clone", "h1/looper@cp", "twin")).toMatchObject(refusal);
    expect(await lab.refusal("clone", "h1/looper@cp", "h2/twin")).toMatchObject(refusal);
    expect(await life("looper")).toBe(before);
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    expect(await stateOf(lab, "h2", "twin")).toBeUndefined();
    await lab.on("h1", "docker stop -t 0 looper");
    expect(await lab.refusal("restore", "h1/looper", "cp")).toMatchObject(refusal);
    await expectNothingLeft();
  });

  test("without a record it is listed as damaged, found by its removed container's name, and can be removed", async () => {
    await startLooper(lab, "h1", "looper");
    for (const name of ["cp", "linked", "gone"]) await lab.json("checkpoint", "create", "h1/looper", name);
    await lab.on(
      "h1",
      `truncate -s 0 ${store("gone")}/record.json; mv ${store("linked")} /root; ln -s /root/linked ${store("linked")}`,
    );
    await lab.on("h1", "docker rm -f looper");
    const { stdout } = await lab.godwit("checkpoint", "ls", "looper");
    expect(stdout).toMatch(/looper +cp .*godwit$/m);
    for (const name of ["linked", "gone"]) {
      expect(stdout).toMatch(new RegExp(`looper +${name} .*damaged$`, "m"));
      expect(await lab.refusal("clone", `looper@${name}`, "twin")).toMatchObject({ code: "invalid-checkpoint" });
      await lab.json("checkpoint", "rm", "looper", name);
    }
    expect(await lab.on("h1", "ls /root/linked/images | grep -c pages-1; rm -r /root/linked")).toBe("1");
    await lab.json("clone", "looper@cp", "twin");
    await countsOn(lab, "h1", "twin");
  });

  test("one that should follow its container stays where it is, and the move says so", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await lab.json("checkpoint", "create", "h1/looper", "whole");
    await lab.on("h1", `truncate -s -1000 ${store("cp")}/images/pages-1.img`);
    const moved = await lab.godwit("migrate", "h1/looper", "h2");
    expect(moved).toMatchObject({ status: 0, stdout: expect.stringMatching(/'cp' stayed behind: .*pages-1.img/) });
    const listed = await lab.json<{ host: string; checkpoints: { name: string }[] }[]>("checkpoint", "ls");
    expect(listed.map(({ checkpoints }) => checkpoints.map(({ name }) => name))).toEqual([["cp"], ["whole"]]);
    await lab.json("rollback", "h2/looper", "whole");
    await lab.on("h2", "docker rm -f looper");
  });
});

describe("a restore that fails", () => {
  /** A file that is no part of a checkpoint: CRIU refuses to restore without it. */
  const opens = "exec 5>>/bound/log; exec 6>>/data/log;";
  const writes = "i=0; while true; do echo $i; echo $i >&6; i=$((i+1)); sleep 0.1; done";
  const start = (flags: string) =>
    lab.on(
      "h1",
      `mkdir -p /srv/bound; docker run --pull never -d --name looper -v /srv/bound:/bound -v data:/data ${flags} busybox sh -c '${opens} ${writes}'`,
    );

  test("in a rollback leaves the original as it was: memory, files that it has open, address, ports, policy", async () => {
    await lab.on("h1", "docker network create --subnet 172.31.7.0/24 inner");
    await start("--network inner -p 8085:80 --restart always");
    await countsOn(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await lab.on("h1", "rm /srv/bound/log");
    const before = await life("looper");
    const writtenBefore = Number(await lab.on("h1", "grep -c . /var/lib/docker/volumes/data/_data/log"));
    const place = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{json .NetworkSettings.Ports}}";
    const address = await lab.on("h1", `docker inspect --format '${place}' looper`);
    expect(await lab.refusal("rollback", "h1/looper", "cp")).toMatchObject({
      code: "restore-failed",
      exit: 7,
      message: expect.stringMatching(
        /^'looper' could not be rolled back to 'cp', and keeps running as it was: .*bound\/log/,
      ),
      hint: expect.stringContaining("godwit checkpoint ls looper"),
    });
    expect(await life("looper")).toBe(before);
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    expect(await lab.on("h1", `docker inspect --format '${place}' looper`)).toBe(address);
    expect(await lab.on("h1", "docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' looper")).toBe("always");
    const written = (await lab.on("h1", "cat /var/lib/docker/volumes/data/_data/log")).split("\n").map(Number);
    expectConsecutive(written);
    // It writes on into the file that it has had open all the time.
    expect(written.length).toBeGreaterThan(writtenBefore);
    await expectNothingLeft();
    await lab.on("h1", "docker rm -f looper; docker network rm inner; docker volume rm data");
  });

  test.each([
    ["plain runc", ""],
    ["the hook", "--runtime godwit"],
  ])("of a stopped container leaves it with its files, under %s", async (_, flags) => {
    await start(flags);
    await countsOn(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await lab.on("h1", "docker exec looper sh -c 'echo later >/root/later; echo later >/data/later'");
    await lab.on("h1", "docker stop -t 0 looper; rm /srv/bound/log");
    const id = await idOf(lab, "h1", "looper");
    expect(await lab.refusal("restore", "h1/looper", "cp")).toMatchObject({
      code: "restore-failed",
      exit: 7,
      message: expect.stringMatching(/^'looper' could not be restored from 'cp', and is stopped as it was: /),
    });
    expect(await idOf(lab, "h1", "looper")).toBe(id);
    expect(await stateOf(lab, "h1", "looper")).toBe("exited");
    expect(
      await lab.on("h1", "docker cp looper:/root/later - | tar -xO; cat /var/lib/docker/volumes/data/_data/later"),
    ).toBe("later\nlater");
    await expectNothingLeft();
    await lab.on("h1", "docker rm -f looper; docker volume rm data");
  });

  test("because CRIU reads for ever is ended, and the original goes on", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.on("h1", "docker checkpoint create --leave-running looper by-docker");
    await lab.on("h1", "truncate -s 20000 /var/lib/docker/containers/*/checkpoints/by-docker/pages-1.img");
    const before = await life("looper");
    expect(await lab.refusal("rollback", "h1/looper", "by-docker")).toMatchObject({
      code: "restore-failed",
      message: expect.stringContaining("no progress"),
    });
    expect(await life("looper")).toBe(before);
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    await expectNothingLeft();
  });
});

describe("a rollback", () => {
  test("keeps the address, the ports that Docker chose, and the restart policy", async () => {
    await lab.on("h1", "docker network create --subnet 172.31.8.0/24 inner");
    await startLooper(lab, "h1", "looper", { flags: "--network inner --ip 172.31.8.9 -p 80 --restart always" });
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    const look =
      "{{json .NetworkSettings.Ports}} {{.HostConfig.RestartPolicy.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{.MacAddress}}{{end}}";
    const before = await lab.on("h1", `docker inspect --format '${look}' looper`);
    await lab.json("rollback", "h1/looper", "cp");
    await countsOn(lab, "h1", "looper");
    expect(await lab.on("h1", `docker inspect --format '${look}' looper`)).toBe(before);
    expect(await lab.on("h1", "docker ps -a --format '{{.Names}} {{.State}}'")).toBe("looper running");
    await expectNothingLeft();
    await lab.on("h1", "docker rm -f looper; docker network rm inner");
  });

  test("is refused, by name, where another container uses a volume that it brings back, or with the host's network", async () => {
    await startLooper(lab, "h1", "looper", { flags: "-v data:/data" });
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await startLooper(lab, "h1", "reader", { flags: "-v data:/data:ro" });
    const before = await life("looper");
    expect(await lab.refusal("rollback", "h1/looper", "cp")).toMatchObject({
      code: "unsupported-container",
      message: expect.stringMatching(/volume 'data'.*'reader'/),
      hint: expect.stringContaining("docker stop reader"),
    });
    expect(await life("looper")).toBe(before);
    await startLooper(lab, "h1", "hostly", { flags: "--network host" });
    await lab.json("checkpoint", "create", "h1/hostly", "cp");
    expect(await lab.refusal("rollback", "h1/hostly", "cp")).toMatchObject({
      code: "unsupported-container",
      message: expect.stringContaining("host's network"),
    });
    expectConsecutive(await countsOn(lab, "h1", "hostly"));
    await lab.on("h1", "docker rm -f looper reader; docker volume rm data");
  });
});

describe("a checkpoint belongs to its container", () => {
  test("and not to another one of the same name, unless that is asked for", async () => {
    const first = await startLooper(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "old");
    await lab.on("h1", "docker rm -f looper");
    await lab.on("h1", `docker run --pull never -d --name looper -e LIFE=second busybox sh -c '${count}'`);
    await countsOn(lab, "h1", "looper");
    const before = await life("looper");
    const refusal = {
      code: "foreign-checkpoint",
      exit: 4,
      message: expect.stringContaining(first.slice(0, 12)),
      hint: expect.stringContaining("--foreign"),
    };
    expect(await lab.refusal("rollback", "h1/looper", "old")).toMatchObject(refusal);
    expect(await life("looper")).toBe(before);
    const { stdout } = await lab.godwit("checkpoint", "ls", "h1/looper");
    expect(stdout).toContain("of another looper");
    expect(await lab.json("checkpoint", "create", "h1/looper", "new")).toMatchObject({ parent: null, foreign: false });
    await lab.on("h1", "docker stop -t 0 looper");
    expect(await lab.refusal("restore", "h1/looper", "old")).toMatchObject(refusal);
    await lab.json("clone", "h1/looper@old", "earlier");
    await countsOn(lab, "h1", "earlier");
    await lab.json("restore", "h1/looper", "old", "--foreign");
    await countsOn(lab, "h1", "looper");
  });

  test("under every id that it gets: by a rollback, a move there and back, and a restore after it was removed", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await lab.json("rollback", "h1/looper", "cp");
    await lab.json("rollback", "h1/looper", "cp");
    await lab.json("migrate", "h1/looper", "h2");
    await lab.json("rollback", "h2/looper", "cp");
    await lab.json("migrate", "h2/looper", "h1");
    await lab.json("rollback", "h1/looper", "cp");
    await lab.on("h1", "docker rm -f looper");
    await lab.json("restore", "h1/looper", "cp");
    await lab.json("rollback", "h1/looper", "cp");
    await countsOn(lab, "h1", "looper");
    expect(await lab.json("checkpoint", "ls", "h1/looper")).toMatchObject([
      { checkpoints: [{ name: "cp", foreign: false }] },
    ]);
  });

  test("and one of an earlier container does not follow the present one to another host", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "old");
    await lab.on("h1", "docker rm -f looper");
    await startLooper(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "new");
    await lab.json("migrate", "h1/looper", "h2");
    const listed = await lab.json<{ checkpoints: { name: string }[] }[]>("checkpoint", "ls");
    expect(listed.map(({ checkpoints }) => checkpoints.map(({ name }) => name))).toEqual([["old"], ["new"]]);
  });
});

test("a checkpoint with --stop says that nothing has proved it yet", async () => {
  await startLooper(lab, "h1", "looper");
  const { status, stdout } = await lab.godwit("checkpoint", "create", "h1/looper", "cp", "--stop");
  expect(status).toBe(0);
  expect(stdout).toContain("no restore has proved it");
  await eventually("it has stopped", async () => (await stateOf(lab, "h1", "looper")) === "exited" || undefined);
});
