import { beforeAll, describe, expect, test } from "vitest";
import type { RunResult } from "../../../src/contract/routes.ts";
import { testInFullRun } from "../support/full-run.ts";
import type { TestLab } from "../support/lab.ts";
import { countsOn, countsTo, expectConsecutive, idOf, logNumbers, startLooper, stateOf } from "../support/looper.ts";
import {
  brisk,
  type CounterFiles,
  expectWhole,
  makeTreeImage,
  readFiles,
  startTree,
  treeCountsOn,
} from "./process-tree.ts";

/** What a user does on one host: checkpoint, restore, rollback. */
export function testOnOneHost(lab: TestLab, host: string): void {
  const at = (name: string) => `${host}/${name}`;

  describe("a counting container", () => {
    test("under the hook, stopped with a checkpoint: a restore goes on from it in the same container", async () => {
      const id = await startLooper(lab, host, "looper2", { flags: "--runtime godwit", pause: 1 });
      await lab.json("checkpoint", "create", at("looper2"), "cp", "--stop");
      expect(await stateOf(lab, host, "looper2")).toBe("exited");
      const stopped = await logNumbers(lab, host, "looper2");
      const result = await lab.json<RunResult>("restore", at("looper2"), "cp");
      expect(result).toMatchObject({ host, container: "looper2", id, checkpoint: "cp" });
      expect(await idOf(lab, host, "looper2")).toBe(id);
      expect(await stateOf(lab, host, "looper2")).toBe("running");
      const after = await countsOn(lab, host, "looper2", 3);
      expectConsecutive(after);
      expect(after.slice(0, stopped.length)).toEqual(stopped);
    });

    test("under plain runc: a restore makes it again under the hook, with the same name and log", async () => {
      const id = await startLooper(lab, host, "looper2");
      await lab.json("checkpoint", "create", at("looper2"), "cp", "--stop");
      const result = await lab.json<RunResult>("restore", at("looper2"), "cp");
      expect(result.id).not.toBe(id);
      expect(await idOf(lab, host, "looper2")).toBe(result.id);
      expect(await lab.on(host, "docker ps -a --format '{{.Names}} {{.State}}'")).toBe("looper2 running");
      expectConsecutive(await countsOn(lab, host, "looper2"));
    });

    test("runs on after a checkpoint without --stop, and can be restored after it was removed", async () => {
      await startLooper(lab, host, "kept");
      await lab.json("checkpoint", "create", at("kept"), "cp");
      const [from, ...rest] = (await countsOn(lab, host, "kept")).slice().reverse();
      expectConsecutive([...rest.reverse(), from ?? -1]);
      await lab.on(host, "docker rm -f kept");
      await lab.json("restore", at("kept"), "cp");
      const again = await countsOn(lab, host, "kept");
      expectConsecutive(again, again[0]);
      expect(again[0]).toBeGreaterThan(0);
      expect(again[0]).toBeLessThanOrEqual(from ?? -1);
    });

    test("is rolled back to the number of its checkpoint, and its log says so", async () => {
      await startLooper(lab, host, "looper2");
      await lab.json("checkpoint", "create", at("looper2"), "cp");
      const now = (await logNumbers(lab, host, "looper2")).at(-1) ?? -1;
      await countsTo(lab, host, "looper2", now + 15);
      await lab.json("rollback", at("looper2"), "cp");
      const log = await countsOn(lab, host, "looper2");
      const jump = log.findIndex((number, i) => i > 0 && number !== (log[i - 1] ?? 0) + 1);
      expectConsecutive(log.slice(0, jump));
      const [back = -1] = log.slice(jump);
      expect(back).toBeLessThanOrEqual(now + 1);
      expect(back).toBeGreaterThan(0);
      expectConsecutive(log.slice(jump), back);
    });
  });
}

/** Clones on one host. */
export function testClones(lab: TestLab, host: string): void {
  const at = (name: string) => `${host}/${name}`;

  describe("a counting container", () => {
    test("is cloned from a checkpoint: the clone counts on from the checkpoint's number, and the original is not changed", async () => {
      await startLooper(lab, host, "looper2", { flags: "-e WORD=kept" });
      await lab.json("checkpoint", "create", at("looper2"), "cp", "--stop");
      const last = (await logNumbers(lab, host, "looper2")).at(-1) ?? -1;
      await lab.json("restore", at("looper2"), "cp");
      await countsOn(lab, host, "looper2", 10);
      await lab.json("clone", `${at("looper2")}@cp`, "looper2-clone");
      const clone = await countsOn(lab, host, "looper2-clone");
      expectConsecutive(clone, last + 1);
      expectConsecutive(await countsOn(lab, host, "looper2"));
      const ids = await Promise.all(["looper2", "looper2-clone"].map((name) => idOf(lab, host, name)));
      expect(new Set(ids).size).toBe(2);
      const addresses = await lab.on(
        host,
        "docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' looper2 looper2-clone",
      );
      expect(new Set(addresses.split("\n")).size).toBe(2);
      expect(await lab.on(host, "docker exec looper2-clone sh -c 'echo $WORD'")).toBe("kept");
      await lab.on(host, "docker stop -t 0 looper2-clone");
      expectConsecutive(await countsOn(lab, host, "looper2"));
    });

    test("is cloned as it runs, without a checkpoint", async () => {
      await startLooper(lab, host, "looper2");
      const before = (await logNumbers(lab, host, "looper2")).at(-1) ?? -1;
      await lab.json("clone", at("looper2"), "twin");
      const clone = await countsOn(lab, host, "twin");
      expect(clone[0]).toBeGreaterThan(before);
      expectConsecutive(clone, clone[0]);
      expectConsecutive(await countsOn(lab, host, "looper2"));
      expect(await lab.json<unknown[]>("checkpoint", "ls", at("twin"))).toMatchObject([{ checkpoints: [] }]);
    });
  });
}

/** A tree of processes on one host. */
export function testTree(lab: TestLab, host: string): void {
  const at = (name: string) => `${host}/${name}`;

  describe("a tree of processes", () => {
    beforeAll(() => makeTreeImage(lab, host));

    testInFullRun("is restored from a checkpoint: all three counters go on", async () => {
      await startTree(lab, host, "tree");
      await lab.json("checkpoint", "create", at("tree"), "cp", "--stop");
      const stopped = await readFiles(lab, host, "tree");
      await lab.json("restore", at("tree"), "cp");
      expectGoesOnFrom(stopped, await treeCountsOn(lab, host, "tree"));
      expect(await lab.on(host, "docker exec tree hostname")).toBe("test");
    });

    testInFullRun("is cloned with its files, and both change their own from then on", async () => {
      await startTree(lab, host, "tree", brisk);
      await lab.json("checkpoint", "create", at("tree"), "cp", "--stop");
      const stopped = await readFiles(lab, host, "tree");
      await lab.json("restore", at("tree"), "cp");
      await lab.json("clone", `${at("tree")}@cp`, "tree-clone");
      expectGoesOnFrom(stopped, await treeCountsOn(lab, host, "tree-clone"));
      expectGoesOnFrom(stopped, await treeCountsOn(lab, host, "tree"));
    });

    test("is rolled back, memory and files together, to the same checkpoint twice", async () => {
      await startTree(lab, host, "tree", brisk);
      await lab.json("checkpoint", "create", at("tree"), "cp", "--stop");
      const kept = await readFiles(lab, host, "tree");
      await lab.json("restore", at("tree"), "cp");
      await rollBackTwice(lab, host, "tree", kept);
    });
  });
}

/** Runs on and is rolled back to `cp`, two times. `kept` are the files of that checkpoint. */
export async function rollBackTwice(lab: TestLab, host: string, name: string, kept: CounterFiles): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await treeCountsOn(lab, host, name, 3);
    await lab.on(host, `docker exec ${name} touch /root/later`);
    await lab.json("rollback", `${host}/${name}`, "cp");
    // This file did not exist at the checkpoint.
    expect(await lab.on(host, `docker exec ${name} ls /root`)).not.toContain("later");
    expectGoesOnFrom(kept, await readFiles(lab, host, name));
    expectGoesOnFrom(kept, await treeCountsOn(lab, host, name));
  }
}

/** The files begin with just what was kept, and no counter lacks or repeats a number after it. */
export function expectGoesOnFrom(kept: CounterFiles, now: CounterFiles): void {
  for (const i of [0, 1] as const) expect(now[i].slice(0, kept[i].length)).toBe(kept[i]);
  expectWhole(now);
}
