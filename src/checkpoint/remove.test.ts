import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { GodwitError } from "../contract/errors.ts";
import { removeCheckpoint } from "./remove.ts";
import { CheckpointStore } from "./store/store.ts";

/** A store with the checkpoint `before` of `looper`, and its removal. */
function setUp(options: { origin?: "docker"; busy?: boolean } = {}) {
  const root = mkdtempSync(join(tmpdir(), "godwit-store-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const store = new CheckpointStore(root);
  const folder = store.folder("looper", "before").path;
  mkdirSync(folder, { recursive: true });
  const ofDocker: string[][] = [];
  const source = options.origin && { record: { origin: options.origin, containerId: "0123" } };
  const assertFree = (container: string) => {
    if (options.busy) throw new GodwitError("busy", `'${container}' is busy.`);
  };
  const deps = {
    host: { engine: { removeCheckpoint: async (...asked: string[]) => void ofDocker.push(asked) } },
    ...{ store, operations: { assertFree }, find: { removable: async () => ({ owner: "looper", source }) } },
  } as unknown as Parameters<typeof removeCheckpoint>[0];
  return { store, remove: () => removeCheckpoint(deps, "0123", "before"), isThere: () => existsSync(folder), ofDocker };
}

test("a checkpoint is removed from the store of its container", async () => {
  const { remove, isThere, ofDocker } = setUp();
  await remove();
  expect([isThere(), ofDocker]).toEqual([false, []]);
});

test("one of Docker's is removed by Docker", async () => {
  const { remove, isThere, ofDocker } = setUp({ origin: "docker" });
  await remove();
  expect([isThere(), ofDocker]).toEqual([true, [["0123", "before"]]]);
});

test("one of a container that an operation holds stays", async () => {
  const { remove, isThere } = setUp({ busy: true });
  await expect(remove()).rejects.toMatchObject({ code: "busy" });
  expect(isThere()).toBe(true);
});

test("one that a clone is being made of stays until the last such clone has ended, however it ends", async () => {
  const { store, remove, isThere } = setUp();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const reading = store.whileInUse("looper", "before", "op1", () => first.promise);
  const failing = store.whileInUse("looper", "before", "op2", () => second.promise);
  await expect(remove()).rejects.toMatchObject({
    code: "busy",
    message: "Checkpoint 'before' of 'looper' is in use by the operation 'clone' (id op1).",
  });
  first.resolve();
  await reading;
  await expect(remove()).rejects.toMatchObject({ message: expect.stringContaining("op2") });
  second.reject(new Error("no memory"));
  await expect(failing).rejects.toThrow("no memory");
  expect(isThere()).toBe(true);
  await remove();
  expect(isThere()).toBe(false);
});
