import { describe, expect, test } from "vitest";
import { countsOn, expectConsecutive, startLooper, stateOf } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";
import { expectNothingLeft, startOf } from "./container-state.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);
const count = "i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done";

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
    await expectNothingLeft(lab);
    await lab.on("h1", "docker rm -f looper; docker network rm inner");
  });

  test("is refused where another container uses a volume of the checkpoint, which is named, and with the host's network", async () => {
    await startLooper(lab, "h1", "looper", { flags: "-v data:/data" });
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await startLooper(lab, "h1", "reader", { flags: "-v data:/data:ro" });
    const before = await startOf(lab, "looper");
    expect(await lab.refusal("rollback", "h1/looper", "cp")).toMatchObject({
      code: "unsupported-container",
      message: expect.stringMatching(/volume 'data'.*'reader'/),
      hint: expect.stringContaining("docker stop reader"),
    });
    expect(await startOf(lab, "looper")).toBe(before);
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

describe("a checkpoint", () => {
  test("of another container of the same name is refused without --foreign", async () => {
    const first = await startLooper(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "old");
    await lab.on("h1", "docker rm -f looper");
    await lab.on("h1", `docker run --pull never -d --name looper -e LIFE=second busybox sh -c '${count}'`);
    await countsOn(lab, "h1", "looper");
    const before = await startOf(lab, "looper");
    const refusal = {
      code: "foreign-checkpoint",
      exit: 4,
      message: expect.stringContaining(first.slice(0, 12)),
      hint: expect.stringContaining("--foreign"),
    };
    expect(await lab.refusal("rollback", "h1/looper", "old")).toMatchObject(refusal);
    expect(await startOf(lab, "looper")).toBe(before);
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

  test("stays its container's after rollbacks, a move there and back, and a restore of the removed container", async () => {
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

  test("of an earlier container of the same name does not move with the present one", async () => {
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

test("a checkpoint with --stop says that no restore has proved it", async () => {
  await startLooper(lab, "h1", "looper");
  const { status, stdout } = await lab.godwit("checkpoint", "create", "h1/looper", "cp", "--stop");
  expect(status).toBe(0);
  expect(stdout).toContain("no restore has proved it");
  await eventually("it has stopped", async () => (await stateOf(lab, "h1", "looper")) === "exited" || undefined);
});
