import { expect, test } from "vitest";
import type { CheckpointRecord } from "../contract/checkpoint.ts";
import type { Host } from "../host/host.ts";
import { allCheckpoints, checkpointsOf } from "./list.ts";
import type { CheckpointStore } from "./store/store.ts";

const record = (container: string, name: string, containerId: string): CheckpointRecord => ({
  ...{ name, container, containerId, image: "busybox", imageId: "sha256:1", imageLayers: [], parent: null },
  ...{ createdAt: "2026-01-01T00:00:00.000Z", origin: "godwit", criuVersion: null, architecture: "x86_64" },
  ...{
    memoryBytes: 0,
    filesBytes: 0,
    frozenMs: null,
    frozenBytes: null,
    processes: [],
    trees: [],
    inspect: {} as never,
  },
});
const kept = [record("looper", "before", "of-now"), record("looper", "old", "of-another"), record("gone", "last", "x")];
const damaged = [{ container: "broken", name: "bad", damaged: true as const }];

/** A host where `looper` is there, `gone` and `broken` have only left checkpoints, and Docker has made none. */
const of = (container: string | undefined) => (one: { container: string }) =>
  (container ?? one.container) === one.container;
const store = {
  list: async (container?: string) => kept.filter(of(container)),
  damaged: async (container?: string) => damaged.filter(of(container)),
  belongs: async ({ containerId }: CheckpointRecord, id: string) => containerId === id,
} as unknown as CheckpointStore;
const engine = {
  find: async (asked: string) => (["looper", "of-now"].includes(asked) ? { Id: "of-now", Name: "/looper" } : undefined),
  containers: async () => [{ Id: "of-now" }, { Id: "removed-meanwhile" }],
};
const host = { name: "h1", engine, dockerRoot: async () => "/nowhere" } as unknown as Host;

test("the checkpoints of a container say which were taken of another one of its name, also where it is asked for by its id", async () => {
  for (const asked of ["looper", "of-now"]) {
    expect(await checkpointsOf({ host, store }, asked)).toMatchObject([
      { name: "before", foreign: false },
      { name: "old", foreign: true },
    ]);
  }
});

test("a container that is gone has its checkpoints still, also where none can be read; nothing at all is no container", async () => {
  expect(await checkpointsOf({ host, store }, "gone")).toMatchObject([{ name: "last", foreign: false }]);
  expect(await checkpointsOf({ host, store }, "broken")).toEqual(damaged);
  await expect(checkpointsOf({ host, store }, "nobody")).rejects.toMatchObject({ code: "no-such-container" });
});

test("the list of all has those that cannot be read at its end, and is not ended by a container that is removed meanwhile", async () => {
  const names = (await allCheckpoints({ host, store })).map(({ container, name }) => `${container}/${name}`);
  expect(names).toEqual(["looper/before", "looper/old", "gone/last", "broken/bad"]);
});
