import { describe, expect, test } from "vitest";
import { countsOn, expectConsecutive, startLooper } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { obstaclesOf, unsupported } from "./obstacles.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);

describe("a container whose network another one shares", () => {
  test("is neither rolled back nor stopped with a checkpoint, and 'godwit ps' says why", async () => {
    await startLooper(lab, "h1", "web");
    await lab.json("checkpoint", "create", "h1/web", "before");
    await startLooper(lab, "h1", "sidecar", { flags: "--network container:web" });
    const message = /shares its network with container sidecar, which would lose it/;
    const interfaces = () => lab.on("h1", "docker exec sidecar ls /sys/class/net");
    const network = await interfaces();
    expect(network).toContain("eth0");
    expect(await lab.refusal("rollback", "h1/web", "before")).toMatchObject(unsupported(message));
    expect(await lab.refusal("checkpoint", "create", "h1/web", "end", "--stop")).toMatchObject(unsupported(message));
    expect(await obstaclesOf(lab, "h1", "web")).toEqual([expect.stringMatching(message)]);
    expect(await obstaclesOf(lab, "h1", "sidecar")).toEqual(["the container shares its network with container web"]);
    const own = /'sidecar'.* shares its network with container web\.$/;
    expect(await lab.refusal("checkpoint", "create", "h1/sidecar", "cp")).toMatchObject(unsupported(own));
    // Taking a checkpoint leaves the other one its network.
    await lab.json("checkpoint", "create", "h1/web", "meanwhile");
    expect(await interfaces()).toBe(network);
    for (const name of ["web", "sidecar"]) expectConsecutive(await countsOn(lab, "h1", name));
  });
});

test("a container that shares a namespace with another one does not move, and runs on", async () => {
  const refused: [flags: string, message: RegExp, hint: string][] = [
    ["--network container:other", /shares its network with container other\.$/, "--network"],
    ["--ipc container:other", /shares its shared memory with container other\.$/, "--ipc"],
  ];
  await startLooper(lab, "h1", "other", { flags: "--ipc shareable" });
  for (const [i, [flags, message, hint]] of refused.entries()) {
    await startLooper(lab, "h1", `looper-${i}`, { flags });
    expect(await lab.refusal("migrate", `h1/looper-${i}`, "h2")).toMatchObject({
      ...{ code: "unsupported-container", exit: 5 },
      ...{ message: expect.stringMatching(message), hint: expect.stringContaining(hint) },
    });
    expectConsecutive(await countsOn(lab, "h1", `looper-${i}`));
  }
  expect(await lab.refusal("migrate", "h1/other", "h2")).toMatchObject({
    ...{ code: "unsupported-container", exit: 5, hint: expect.stringContaining("stop looper-0") },
    message: expect.stringMatching(/shares its network with container looper-0, which would lose it\.$/),
    details: [expect.stringContaining("shares its shared memory with container looper-1, which would lose it")],
  });
  expect(await lab.on("h2", "docker ps -aq")).toBe("");
  await lab.on("h1", "docker stop -t 0 looper-0 looper-1");
  await lab.json("migrate", "h1/other", "h2");
  expectConsecutive(await countsOn(lab, "h2", "other"));
});
