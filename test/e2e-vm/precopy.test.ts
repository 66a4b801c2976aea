import { beforeAll, describe, expect, test } from "vitest";
import type { Migration, MigrationResult } from "../../src/contract/migration.ts";
import { expectMemoryRight, makeCheckedMemory, startCheckedMemory } from "../e2e/support/checked-memory.ts";
import {
  changeEverything,
  expectSame,
  makeFileKindsImage,
  manifestsOf,
  startFileKinds,
} from "../e2e/support/files/manifests.ts";
import { isFullRun, testInFullRun } from "../e2e/support/full-run.ts";
import { expectOnlyHere, inRound, lastOf, warnings } from "../e2e/support/in-rounds.ts";
import type { CliResult } from "../e2e/support/lab.ts";
import { countsOn, expectConsecutive, stateOf } from "../e2e/support/looper.ts";
import { eventually } from "../e2e/support/wait.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab(isFullRun ? ["busybox"] : []);
beforeAll(() => makeCheckedMemory(lab));

const MiB = 2 ** 20;
/** Writes more than a slow link takes. */
const restless = [8, 4000] as const;
const slowLink = ["--bandwidth", "16mbit"];

const errorOf = (result: CliResult) => (lastOf(result) as { error?: { code: string; hint?: string } }).error;

describe("memory goes in rounds while the container runs", () => {
  test("without --mode, there and back, with processes that fork, share memory, and free it", async () => {
    await startCheckedMemory(lab, "family", 8, 100, 2);
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

  testInFullRun("of a container that writes nothing, memory is sent once", async () => {
    await startCheckedMemory(lab, "rests", 64, 0);
    const moved = await lab.json<MigrationResult>("migrate", "h1/rests", "h2", "--downtime-limit", "60s");
    expect(moved).toMatchObject({ mode: "precopy" });
    expect(moved.wireBytes).toBeLessThan(moved.memoryBytes * 1.05 + MiB);
    expect(moved.wireBytes).toBeGreaterThan(64 * MiB);
    await expectMemoryRight(lab, "h2", "rests");
  });
});

/** Each of these is a move of a minute or more. test/e2e/moves/precopy.test.ts has the same by PAGEMAP_SCAN, in every run. */
function moreThanTheLink(): void {
  const move = (end: string) =>
    lab.godwit("--json", "migrate", "h1/restless", "h2", "--mode", "precopy", ...slowLink, "--on-no-convergence", end);

  test("abort: it runs on where it is", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const ended = await move("abort");
    expect(errorOf(ended)).toMatchObject({
      code: "not-converging",
      hint: expect.stringContaining("--on-no-convergence"),
    });
    await expectOnlyHere(lab, "restless");
  });

  const ends = [
    ["switchover", "precopy"],
    ["postcopy", "postcopy"],
  ] as const;
  test.each(ends)("%s: it moves", async (end, mode) => {
    await startCheckedMemory(lab, "restless", ...restless);
    const ended = await move(end);
    expect(lastOf(ended), ended.stderr).toMatchObject({ mode });
    if (end === "postcopy") expect(warnings(ended).join()).toContain("Going on with post-copy");
    await expectMemoryRight(lab, "h2", "restless");
    expect(await stateOf(lab, "h1", "restless")).toBeUndefined();
  });
}

function inTheMiddle(): void {
  const during = (act: (found: Migration) => Promise<unknown>) =>
    lab.during(
      "sync",
      async () => act(await inRound(lab, 1)),
      ...["migrate", "h1/restless", "h2", "--mode", "precopy", "--bandwidth", "8mbit"],
    );

  test("'migration switch' starts the switchover", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const ended = await during(({ id }) => lab.json("migration", "switch", id));
    expect(lastOf(ended), ended.stderr).toMatchObject({ mode: "precopy" });
    await expectMemoryRight(lab, "h2", "restless");
  });

  test("it is cancelled, or an agent is killed: the container never stops", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const cancelled = await during(({ id }) => lab.json("migration", "cancel", id));
    expect(errorOf(cancelled)).toMatchObject({ code: "cancelled" });
    await expectOnlyHere(lab, "restless");
    for (const host of ["h2", "h1"]) {
      const killed = await during(() => lab.on(host, "kill -9 $(cat /run/godwit/agent.pid)"));
      expect(killed.status).not.toBe(0);
      await eventually("its agent is back", async () => {
        const hosts = await lab.json<{ usage: unknown }[]>("hosts");
        return hosts.every(({ usage }) => usage) || undefined;
      });
      await expectOnlyHere(lab, "restless");
    }
  });

  test("the destination's memory runs out: the error says so, and the container runs on", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const fill = "cat /dev/zero >$(echo /run/godwit/images/*)/filler || true";
    const ended = await during(() => lab.on("h2", fill));
    expect(errorOf(ended)).toMatchObject({ code: "no-space" });
    await expectOnlyHere(lab, "restless");
  });

  test("the container ends by itself: its exit status and its log stay", async () => {
    await startCheckedMemory(lab, "restless", ...restless);
    const ended = await during(() => lab.on("h1", "docker kill restless"));
    expect(errorOf(ended)).toMatchObject({ code: "container-exited" });
    expect(await stateOf(lab, "h1", "restless")).toBe("exited");
    expect(await lab.on("h1", "docker logs restless")).toContain("tick");
    expect(await lab.on("h2", "docker ps -aqf name=restless; ls /run/godwit/images")).toBe("");
  });
}
if (isFullRun) {
  describe("a program that writes more than the link takes", moreThanTheLink);
  describe("in the middle of a round", inTheMiddle);
}

testInFullRun("files of every kind are the same on the other host, and back", async () => {
  // An emulated machine reads a GiB of zeros for minutes.
  await makeFileKindsImage(lab, ["h1", "h2"], 2 ** 26);
  await startFileKinds(lab, "h1", "kinds");
  await countsOn(lab, "h1", "kinds");
  const before = await manifestsOf(lab, "h1", "kinds");
  await lab.json("migrate", "h1/kinds", "h2", "--mode", "precopy");
  expectSame(await manifestsOf(lab, "h2", "kinds"), before);
  await changeEverything(lab, "h2", "kinds");
  const changed = await manifestsOf(lab, "h2", "kinds");
  await lab.json("migrate", "h2/kinds", "h1", "--mode", "precopy");
  expectSame(await manifestsOf(lab, "h1", "kinds"), changed);
  expectConsecutive(await countsOn(lab, "h1", "kinds"));
});
