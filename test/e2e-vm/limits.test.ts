import { beforeAll, describe, expect, test } from "vitest";
import { expectMemoryRight, makeCheckedMemory, startCheckedMemory } from "../e2e/support/checked-memory.ts";
import { isFullRun } from "../e2e/support/full-run.ts";
import { stateOf } from "../e2e/support/looper.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab();
const limits = "--memory 32m --cpus 0.5 --pids-limit 50";
beforeAll(() => makeCheckedMemory(lab));

/** What the kernel holds a container to. */
const kernelLimits = (host: string, name: string) =>
  lab.on(
    host,
    `cd /sys/fs/cgroup/$(sed s/^0::// /proc/$(docker inspect -f '{{.State.Pid}}' ${name})/cgroup) && cat memory.max cpu.max pids.max`,
  );
const asWanted = "33554432\n50000 100000\n50";

test("both hosts have dirty tracking and userfaultfd", async () => {
  const reports = await lab.json<{ host: string; verdicts: { check: string; level: string }[] }[]>("doctor");
  expect(reports.map(({ host }) => host)).toEqual(["h1", "h2"]);
  for (const { verdicts } of reports) {
    for (const check of ["dirty-tracking", "userfaultfd"]) {
      expect(verdicts).toContainEqual(expect.objectContaining({ check, level: "ok" }));
    }
  }
});

test("a container that takes more memory than its limit is killed", async () => {
  const greedy = "dd if=/dev/zero of=/dev/null bs=64M count=1";
  const run = `docker run --pull never --name greedy --memory 32m --memory-swap 32m busybox ${greedy}`;
  expect((await lab.attempt("h1", run)).status).toBe(137);
  expect(await lab.on("h1", "docker inspect --format '{{.State.OOMKilled}}' greedy")).toBe("true");
});

describe("a container with limits moves and keeps them", () => {
  test.each(isFullRun ? ["cold", "precopy", "postcopy"] : ["precopy"])("%s", async (mode) => {
    await startCheckedMemory(lab, "limited", 8, 0, 0, { flags: limits });
    expect(await kernelLimits("h1", "limited")).toBe(asWanted);
    const moved = await lab.json("migrate", "h1/limited", "h2", "--mode", mode);
    expect(moved).toMatchObject({ mode, source: "h1", destination: "h2" });
    expect(await stateOf(lab, "h1", "limited")).toBeUndefined();
    await expectMemoryRight(lab, "h2", "limited");
    expect(await kernelLimits("h2", "limited")).toBe(asWanted);
    const configured = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}";
    expect(await lab.on("h2", `docker inspect --format '${configured}' limited`)).toBe("33554432 500000000 50");
  });
});
