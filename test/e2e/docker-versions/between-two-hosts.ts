import { beforeAll, describe, expect, test } from "vitest";
import type { MigrationResult } from "../../../src/contract/migration.ts";
import { isFullRun } from "../support/full-run.ts";
import type { TestLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, logNumbers, startLooper, stateOf } from "../support/looper.ts";
import { expectGoesOnFrom, rollBackTwice } from "./on-one-host.ts";
import { brisk, makeTreeImage, readFiles, startTree, treeCountsOn } from "./process-tree.ts";

/** What a user does between the hosts h1 and h2: a move there and back, moved checkpoints, clones, and a tree of processes. */
export function testBetweenTwoHosts(lab: TestLab): void {
  moves(lab);
  checkpointsAndClones(lab);
}

function moves(lab: TestLab): void {
  describe("a counting container", () => {
    test("moves there and back: its log is complete on either host, and nothing of it stays behind", async () => {
      const original = await startLooper(lab, "h1", "looper2", { pause: 1 });
      const result = await lab.json<MigrationResult>("migrate", "h1/looper2", "h2");
      expect(result).toMatchObject({ container: "looper2", source: "h1", destination: "h2" });
      expect(result.downtimeMs).toBeGreaterThan(0);
      expect(result.downtimeMs).toBeLessThan(result.totalMs);
      expect(await stateOf(lab, "h1", "looper2")).toBeUndefined();
      expect(await stateOf(lab, "h2", "looper2")).toBe("running");
      expectConsecutive(await countsOn(lab, "h2", "looper2", 2));

      const back = await lab.godwit("migrate", "h2/looper2", "h1");
      expect(back).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/moved from h2 to h1.*[\s\S]*downtime \d+ ms/),
      });
      expect(await lab.on("h2", "docker ps -aq")).toBe("");
      expect(await lab.on("h1", "docker ps --no-trunc --format '{{.Names}} {{.ID}}'")).not.toContain(original);
      expectConsecutive(await countsOn(lab, "h1", "looper2", 2));
    });
  });
}

function checkpointsAndClones(lab: TestLab): void {
  describe("a counting container", () => {
    test("brings its checkpoints with it: they are restored, rolled back to and cloned on the other host", async () => {
      await startLooper(lab, "h1", "looper2");
      await lab.json("checkpoint", "create", "h1/looper2", "cp");
      const atCheckpoint = (await logNumbers(lab, "h1", "looper2")).at(-1) ?? -1;
      await countsOn(lab, "h1", "looper2", 10);
      await lab.json("migrate", "h1/looper2", "h2");
      expectConsecutive(await countsOn(lab, "h2", "looper2"));
      expect(await lab.json("checkpoint", "ls")).toMatchObject([
        { host: "h1", checkpoints: [] },
        { host: "h2", checkpoints: [{ container: "looper2", name: "cp" }] },
      ]);

      await lab.json("clone", "h2/looper2@cp", "looper2-clone");
      const clone = await countsOn(lab, "h2", "looper2-clone");
      expect(clone[0]).toBeLessThanOrEqual(atCheckpoint + 1);
      expectConsecutive(clone, clone[0]);

      const before = await logNumbers(lab, "h2", "looper2");
      await lab.json("rollback", "h2/looper2", "cp");
      const log = await countsOn(lab, "h2", "looper2");
      expect(log.slice(0, before.length)).toEqual(before);
      const jump = log.findIndex((number, i) => i > 0 && number !== (log[i - 1] ?? 0) + 1);
      expect(log[jump]).toBe(clone[0]);
      expectConsecutive(log.slice(jump), clone[0]);

      await lab.json("migrate", "h2/looper2", "h1");
      const home = await countsOn(lab, "h1", "looper2");
      expectConsecutive(home.slice(jump), clone[0]);
      await lab.json("checkpoint", "create", "h1/looper2", "second", "--stop");
      const stopped = await logNumbers(lab, "h1", "looper2");
      await lab.json("restore", "h1/looper2", "second");
      const restored = await countsOn(lab, "h1", "looper2");
      expect(restored.slice(0, stopped.length)).toEqual(stopped);
      expectConsecutive(restored.slice(jump), clone[0]);
    });

    test.each([
      ["from a checkpoint", "h1/looper2@cp"],
      ["as it runs", "h1/looper2"],
    ])("is cloned onto the other host %s", async (_, from) => {
      await startLooper(lab, "h1", "looper2");
      await lab.json("checkpoint", "create", "h1/looper2", "cp");
      await countsOn(lab, "h1", "looper2", 10);
      const last = (await logNumbers(lab, "h1", "looper2")).at(-1) ?? -1;
      await lab.json("clone", from, "h2/looper2-clone");
      const clone = await countsOn(lab, "h2", "looper2-clone");
      expectConsecutive(clone, clone[0]);
      expect(clone[0]).toBeGreaterThan(from.includes("@") ? 0 : last);
      if (from.includes("@")) expect(clone[0]).toBeLessThanOrEqual(last);
      expectConsecutive(await countsOn(lab, "h1", "looper2"));
    });
  });

  describe("a tree of processes", () => {
    beforeAll(() => makeTreeImage(lab, "h1"));

    test("moves there with its image, is rolled back there twice, and moves back", async () => {
      await startTree(lab, "h1", "tree", brisk);
      await lab.json("checkpoint", "create", "h1/tree", "cp", "--stop");
      const kept = await readFiles(lab, "h1", "tree");
      await lab.json("restore", "h1/tree", "cp");
      const before = await treeCountsOn(lab, "h1", "tree");
      await lab.json("migrate", "h1/tree", "h2");
      const after = await treeCountsOn(lab, "h2", "tree");
      expectGoesOnFrom(before, after);
      expect(await lab.on("h2", "docker exec tree hostname")).toBe("test");
      await rollBackTwice(lab, "h2", "tree", kept);
      const leaving = await treeCountsOn(lab, "h2", "tree");
      await lab.json("migrate", "h2/tree", "h1");
      expectGoesOnFrom(leaving, await treeCountsOn(lab, "h1", "tree"));
      if (isFullRun) await rollBackTwice(lab, "h1", "tree", kept);
    });

    test("is cloned onto the other host, and both count on", async () => {
      await startTree(lab, "h1", "tree", brisk);
      await lab.json("checkpoint", "create", "h1/tree", "cp", "--stop");
      const kept = await readFiles(lab, "h1", "tree");
      await lab.json("restore", "h1/tree", "cp");
      await lab.json("clone", "h1/tree@cp", "h2/tree-clone");
      expectGoesOnFrom(kept, await treeCountsOn(lab, "h2", "tree-clone"));
      expectGoesOnFrom(kept, await treeCountsOn(lab, "h1", "tree"));
    });
  });
}
