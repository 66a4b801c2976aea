import { describe, expect, test } from "vitest";
import { countsOn, expectConsecutive, idOf, startLooper, stateOf } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { expectNothingLeft, startOf } from "./container-state.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);

describe("a restore that fails", () => {
  /** A file that is no part of a checkpoint: CRIU refuses to restore without it. */
  const opens = "exec 5>>/bound/log; exec 6>>/data/log;";
  const writes = "i=0; while true; do echo $i; echo $i >&6; i=$((i+1)); sleep 0.1; done";
  const start = (flags: string) =>
    lab.on(
      "h1",
      `mkdir -p /srv/bound; docker run --pull never -d --name looper -v /srv/bound:/bound -v data:/data ${flags} busybox sh -c '${opens} ${writes}'`,
    );

  test("in a rollback leaves the original as it was: memory, open files, address, ports, restart policy", async () => {
    await lab.on("h1", "docker network create --subnet 172.31.7.0/24 inner");
    await start("--network inner -p 8085:80 --restart always");
    await countsOn(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await lab.on("h1", "rm /srv/bound/log");
    const before = await startOf(lab, "looper");
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
    expect(await startOf(lab, "looper")).toBe(before);
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    expect(await lab.on("h1", `docker inspect --format '${place}' looper`)).toBe(address);
    expect(await lab.on("h1", "docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' looper")).toBe("always");
    const written = (await lab.on("h1", "cat /var/lib/docker/volumes/data/_data/log")).split("\n").map(Number);
    expectConsecutive(written);
    // It still writes into the file that it had open before.
    expect(written.length).toBeGreaterThan(writtenBefore);
    await expectNothingLeft(lab);
    await lab.on("h1", "docker rm -f looper; docker network rm inner; docker volume rm data");
  });

  test.each([
    ["plain runc", ""],
    ["the hook", "--runtime godwit"],
  ])("of a stopped container leaves it stopped with its files, under %s", async (_, flags) => {
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
    await expectNothingLeft(lab);
    await lab.on("h1", "docker rm -f looper; docker volume rm data");
  });

  test("because CRIU makes no progress is ended, and the original goes on", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.on("h1", "docker checkpoint create --leave-running looper by-docker");
    await lab.on("h1", "truncate -s 20000 /var/lib/docker/containers/*/checkpoints/by-docker/pages-1.img");
    const before = await startOf(lab, "looper");
    expect(await lab.refusal("rollback", "h1/looper", "by-docker")).toMatchObject({
      code: "restore-failed",
      message: expect.stringContaining("no progress"),
    });
    expect(await startOf(lab, "looper")).toBe(before);
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    await expectNothingLeft(lab);
  });
});
