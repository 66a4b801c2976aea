import { beforeAll, describe, expect, test } from "vitest";
import type { Migration, MigrationResult } from "../../../src/contract/migration.ts";
import { expectMemoryRight, makeCheckedMemory, startCheckedMemory } from "../support/checked-memory.ts";
import { testInFullRun } from "../support/full-run.ts";
import { expectOnlyHere, inRound, lastOf, warnings } from "../support/in-rounds.ts";
import { stateOf } from "../support/looper.ts";
import { errorOf } from "../support/running-move.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

// By PAGEMAP_SCAN, where this machine's kernel has it. test/e2e-vm/precopy.test.ts has the same by soft-dirty.
const lab = useSharedLab(["forky", "trixie"], ["busybox"]);
beforeAll(() => makeCheckedMemory(lab));

const MiB = 2 ** 20;
/** Writes more than a slow link takes. */
const restless = [24, 6000] as const;
const slowLink = ["--mode", "precopy", "--bandwidth", "16mbit"];

/** It runs on here, nothing of it is there, and the kernel follows no writes any more: what the processes' mappings say. */
async function expectUnharmed(name: string): Promise<void> {
  await expectOnlyHere(lab, name);
  const followed = `cat $(docker top ${name} -o pid | sed -n '2,$s|.*|/proc/&/smaps|p') | grep -c ' uw' || true`;
  expect((await lab.on("h1", followed)).trim()).toBe("0");
  expect(await lab.on("h1", "pgrep -x godwit-memory || true")).toBe("");
}

describe("memory goes in rounds while the container runs", () => {
  test("without --mode, there and back, with processes that fork, share memory, and free it", async () => {
    await startCheckedMemory(lab, "family", 16, 400, 3);
    // A child that was just born may be left to send, and the machine may be slow.
    const limit = ["--verify", "--downtime-limit", "60s"];
    for (const [from, to] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      const moved = await lab.json<MigrationResult>("migrate", `${from}/family`, to, ...limit);
      expect(moved).toMatchObject({ mode: "precopy", source: from, destination: to });
      expect(moved.steps.map(({ name }) => name)).toContain("memory round 1");
      expect(await stateOf(lab, from, "family")).toBeUndefined();
      await expectMemoryRight(lab, to, "family");
    }
  });

  test("of a container that writes nothing, memory is sent once; the source may then be lost", async () => {
    await startCheckedMemory(lab, "rests", 128, 0);
    const moved = await lab.json<MigrationResult>("migrate", "h1/rests", "h2", "--mode", "precopy");
    expect(moved).toMatchObject({ mode: "precopy" });
    expect(moved.wireBytes).toBeLessThan(moved.memoryBytes * 1.03 + MiB);
    expect(moved.wireBytes).toBeGreaterThan(128 * MiB);
    expect(await stateOf(lab, "h1", "rests")).toBeUndefined();
    expect(await lab.on("h1", "pgrep -x godwit-memory || true")).toBe("");
    await expectMemoryRight(lab, "h2", "rests");
  });
});

describe("a program that writes more than the link takes", () => {
  const move = (end: string) =>
    lab.godwit("--json", "migrate", "h1/restless", "h2", ...slowLink, "--on-no-convergence", end);

  testInFullRun("abort: it runs on where it is", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    expect(errorOf(await move("abort"))).toMatchObject({
      code: "not-converging",
      hint: expect.stringContaining("--on-no-convergence"),
    });
    await expectUnharmed("restless");
  });

  testInFullRun("switchover: it moves", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const ended = await move("switchover");
    expect(lastOf(ended), ended.stderr).toMatchObject({ mode: "precopy" });
    await expectMemoryRight(lab, "h2", "restless");
  });

  test("post-copy: it moves, and what the rounds have brought is not sent again", async () => {
    // The link takes 12 MB/s. The first 8 MiB are written anew in each second.
    await startCheckedMemory(lab, "half", 96, 20_000, 0, { hot: 8 });
    const link = ["--bandwidth", "100mbit", "--on-no-convergence", "postcopy"];
    const ended = await lab.godwit("--json", "migrate", "h1/half", "h2", "--mode", "precopy", ...link);
    const moved = lastOf(ended) as MigrationResult;
    expect(moved, ended.stderr).toMatchObject({ mode: "postcopy" });
    expect(warnings(ended).join()).toContain("Going on with post-copy");
    await expectMemoryRight(lab, "h2", "half");
    expect(await stateOf(lab, "h1", "half")).toBeUndefined();
    // All of it once, and what changed in each of the rounds, and in the drain.
    const rounds = moved.steps.filter(({ name }) => name.startsWith("memory round"));
    expect(moved.wireBytes).toBeLessThan((100 + (rounds.length + 1) * 9) * MiB);
  });
});

describe("in the middle of a round", () => {
  const during = (act: (found: Migration) => Promise<unknown>) =>
    lab.during("sync", async () => act(await inRound(lab, 1)), "migrate", "h1/restless", "h2", ...slowLink);

  testInFullRun("'migration switch' starts the switchover", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const ended = await during(({ id }) => lab.json("migration", "switch", id));
    expect(lastOf(ended), ended.stderr).toMatchObject({ mode: "precopy" });
    await expectMemoryRight(lab, "h2", "restless");
  });

  test("it is cancelled, or an agent, or what tracks its memory, is killed: the container never stops", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const cancelled = await during(({ id }) => lab.json("migration", "cancel", id));
    expect(errorOf(cancelled)).toMatchObject({ code: "cancelled" });
    await expectUnharmed("restless");
    for (const host of ["h2", "h1"]) {
      const killed = await during(() => lab.on(host, "pkill -9 -x godwit-memory"));
      expect(errorOf(killed)?.message, killed.stdout.slice(-1000)).toContain("memory of 'restless'");
      await expectUnharmed("restless");
    }
    for (const host of ["h2", "h1"]) {
      const killed = await during(() => lab.on(host, "kill -9 $(cat /run/godwit/agent.pid)"));
      expect(killed.status).not.toBe(0);
      await eventually("its agent is back", async () => {
        const hosts = await lab.json<{ usage: unknown }[]>("hosts");
        return hosts.every(({ usage }) => usage) || undefined;
      });
      await expectUnharmed("restless");
    }
  });

  test("the destination's memory runs out: the error says so, and the container runs on", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const ended = await during(() => lab.on("h2", "cat /dev/zero >$(echo /run/godwit/images/*)/filler || true"));
    expect(errorOf(ended)).toMatchObject({ code: "no-space" });
    await expectUnharmed("restless");
  });

  testInFullRun("the container ends by itself: its exit status and its log stay", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const ended = await during(() => lab.on("h1", "docker kill restless"));
    expect(errorOf(ended)).toMatchObject({ code: "container-exited" });
    expect(await stateOf(lab, "h1", "restless")).toBe("exited");
    expect(await lab.on("h1", "docker logs restless")).toContain("tick");
    expect(await lab.on("h2", "docker ps -aq; ls /run/godwit/images")).toBe("");
  });
});
