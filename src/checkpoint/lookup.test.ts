import { expect, test } from "vitest";
import { GodwitError } from "../contract/errors.ts";
import type { Host } from "../host/host.ts";
import { lookup } from "./lookup.ts";
import type { CheckpointStore } from "./store/store.ts";

const id = "0123456789ab";
const states = {
  runs: { Running: true, Paused: false, Status: "running" },
  isPaused: { Running: true, Paused: true, Status: "paused" },
  isStopped: { Running: false, Paused: false, Status: "exited" },
};

/** A host with one container `looper`, or with none. */
function setUp(state?: keyof typeof states, store: Partial<CheckpointStore> = {}, waiting: string[] = []) {
  const looper = state && { Id: id, Name: "/looper", State: states[state], HostConfig: {} };
  const find = async (asked: string) => (asked === "looper" || id.startsWith(asked) ? looper : undefined);
  const host = { name: "h1", engine: { find }, dockerRoot: async () => "/nowhere" } as unknown as Host;
  const kept = { list: async () => [], find: async () => undefined, current: async () => null, ...store };
  return lookup({ host, store: kept as unknown as CheckpointStore }, (container) => {
    if (waiting.includes(container)) throw new GodwitError("baton-unresolved", `'${container}' waits.`);
  });
}

test("a container is found by the beginning of its id, and then has its own name", async () => {
  expect(await setUp("runs").running(id.slice(0, 4))).toMatchObject({ name: "looper", found: { Id: id } });
  await expect(setUp("runs").container("other")).rejects.toMatchObject({ code: "no-such-container" });
  expect(await setUp("runs").any("other")).toEqual({ name: "other", found: undefined });
});

test.each([
  ["isPaused", null, "docker unpause looper"],
  ["isStopped", null, "docker start looper"],
  [
    "isStopped",
    "before",
    "To go on from its checkpoint: godwit restore looper before. To begin anew: docker start looper",
  ],
] as const)(
  "where a running one is needed, one that %s with the checkpoint %s is refused with: %s",
  async (state, checkpoint, hint) => {
    const find = setUp(state, { current: async () => checkpoint });
    await expect(find.running("looper")).rejects.toMatchObject({ code: "container-not-running", hint });
    expect(await find.container("looper")).toMatchObject({ name: "looper" });
  },
);

test("a container that waits for another host is refused to whoever would act on it", async () => {
  const find = setUp("isPaused", {}, ["looper", "gone"]);
  for (const refused of [find.settled("gone"), find.settled(id), find.container("looper"), find.running("looper")]) {
    await expect(refused).rejects.toMatchObject({ code: "baton-unresolved" });
  }
  expect(await find.any("looper")).toMatchObject({ name: "looper" });
});

test("of a container that is gone, a checkpoint that is missing is told from a container that nobody knows", async () => {
  await expect(setUp().checkpoint("looper", "before")).rejects.toMatchObject({ code: "no-such-container" });
  const other = { name: "after", container: "looper", createdAt: "2026-01-01T00:00:00.000Z" };
  const find = setUp(undefined, { list: async () => [other as never] });
  await expect(find.checkpoint("looper", "before")).rejects.toMatchObject({
    ...{ code: "no-such-checkpoint", hint: "It has: after" },
  });
});

test("a damaged checkpoint can be found for its removal only", async () => {
  const damaged = async () => {
    throw new GodwitError("invalid-checkpoint", "It is damaged.");
  };
  const find = setUp("runs", { find: damaged });
  await expect(find.checkpoint("looper", "before")).rejects.toMatchObject({ code: "invalid-checkpoint" });
  expect(await find.removable(id, "before")).toEqual({ owner: "looper", source: undefined });
});
