import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { destinationStart } from "../baton/destination.ts";
import { DestinationBaton } from "./baton.ts";
import type { IncomingRecord } from "./record.ts";

const fails = () => vi.fn(async (): Promise<never> => Promise.reject(new Error("Docker does not answer")));
const offer = { images: [{ name: "pstree.img", data: "" }], logTail: [] };

/** A destination whose world does what it is asked, unless the test says otherwise; pauses take no time. */
function destination(state: IncomingRecord["state"] = destinationStart) {
  const record = {
    ...{ request: { migration: "m" }, state, owed: [], creating: true, created: "copy" },
    ...{ volumes: [], networks: [], paths: [], folders: [], startedAt: new Date(0).toISOString() },
  } as unknown as IncomingRecord;
  const drained = Promise.withResolvers<void>();
  const world = {
    restore: vi.fn(async () => ({ drained: drained.promise })),
    wasRestored: vi.fn(async () => true),
    drainAgain: vi.fn(() => ({ drained: drained.promise })),
    release: vi.fn(async () => {}),
    restoreRestartPolicy: vi.fn(async () => {}),
    freeRoom: vi.fn(async () => {}),
    kill: vi.fn(async () => {}),
    discard: vi.fn(async () => {}),
  };
  const save = vi.fn();
  const baton = new DestinationBaton(record, {
    ...{ world, save, onFailure: () => {}, onTrouble: () => {} },
    clock: { now: () => 0, sleep: (ms) => (ms >= 60_000 ? new Promise(() => {}) : Promise.resolve()) },
  });
  return { baton, record, world, save, drained };
}

describe("the destination, where an action fails", () => {
  test("waiting: a discard that fails is tried until nothing is left", async () => {
    const { baton, record, world } = destination();
    world.discard.mockImplementationOnce(fails()).mockImplementationOnce(fails());
    baton.apply({ type: "refuse" });
    expect(record).toMatchObject({ state: { at: "refused" }, owed: ["discard"] });
    await baton.owed.settled();
    expect(world.discard).toHaveBeenCalledTimes(3);
  });

  test("taken: a restore that fails is ended, then returned, and then everything is removed", async () => {
    const { baton, record, world } = destination();
    world.restore.mockImplementation(fails());
    world.kill.mockImplementationOnce(fails()).mockImplementationOnce(async () => {
      expect(baton.status).toBe("taken");
      throw new Error("still in vain");
    });
    baton.offer(offer);
    await baton.until(() => baton.status === "returned");
    await baton.owed.settled();
    expect(world.kill).toHaveBeenCalledTimes(3);
    expect(world.discard).toHaveBeenCalledTimes(1);
    expect(record.owed).toEqual([]);
    expect(baton.error?.message).toContain("Docker does not answer");
  });

  test("taken: a restore that the journal cannot note yet is not taken for a failed one", async () => {
    const { baton, world, save } = destination();
    save
      .mockImplementationOnce(() => {})
      .mockImplementationOnce(() => {
        throw new Error("no space left on device");
      });
    baton.offer(offer);
    await baton.until(() => baton.status === "running");
    expect(world.kill).not.toHaveBeenCalled();
  });

  test("taken: after a restart, a look that fails is repeated: a good copy is not ended for it", async () => {
    const { baton, world } = destination({ at: "taken", killing: false });
    world.wasRestored.mockImplementationOnce(fails()).mockImplementationOnce(fails());
    await baton.resume();
    expect(baton.status).toBe("running");
    expect(world.kill).not.toHaveBeenCalled();
  });

  test("running: a release that fails is tried on, and its memory is brought meanwhile", async () => {
    const { baton, world, drained } = destination();
    world.release.mockImplementationOnce(fails()).mockImplementationOnce(fails());
    baton.offer(offer);
    await baton.until(() => baton.status === "running");
    drained.resolve();
    await baton.until(() => baton.isComplete);
    await baton.owed.settled();
    expect(world.release).toHaveBeenCalledTimes(3);
    expect(world.kill).not.toHaveBeenCalled();
  });

  test("running: a restart policy and a room that fail are tried until they hold", async () => {
    const { baton, world, drained } = destination();
    world.restoreRestartPolicy.mockImplementationOnce(fails());
    world.freeRoom.mockImplementationOnce(fails());
    baton.offer(offer);
    drained.resolve();
    await baton.until(() => baton.isComplete);
    await baton.owed.settled();
    expect(world.restoreRestartPolicy).toHaveBeenCalledTimes(2);
    expect(world.freeRoom).toHaveBeenCalledTimes(2);
  });

  test("running: a page that never comes ends the copy, and then gives the container back", async () => {
    const { baton, world, drained } = destination();
    baton.offer(offer);
    await baton.until(() => baton.status === "running");
    drained.reject(new Error("the memory is gone"));
    await baton.until(() => baton.status === "returned");
    expect(world.kill).toHaveBeenCalledWith("the memory is gone.");
    expect(world.restoreRestartPolicy).not.toHaveBeenCalled();
  });

  test("returned and refused: nothing is taken any more, however a discard fails", async () => {
    for (const at of ["returned", "refused"] as const) {
      const { baton, world } = destination({ at });
      world.discard.mockImplementation(fails());
      baton.offer(offer);
      await turn();
      expect(baton.status).toBe(at);
      expect(world.restore).not.toHaveBeenCalled();
    }
  });

  test("returned and refused: a restart discards nothing again, whose names may be somebody else's by now", async () => {
    for (const at of ["returned", "refused"] as const) {
      const { baton, world } = destination({ at });
      await baton.resume();
      await baton.owed.settled();
      expect(world.discard).not.toHaveBeenCalled();
    }
  });

  test("running: a restart does not release a whole copy again", async () => {
    const { baton, world } = destination({ at: "running", complete: true, killing: false });
    await baton.resume();
    await baton.owed.settled();
    expect(world.release).not.toHaveBeenCalled();
  });

  test("nothing follows from an offer that the journal cannot take", () => {
    const { baton, record, world, save } = destination();
    save.mockImplementation(() => {
      throw new Error("no space left on device");
    });
    expect(() => baton.offer(offer)).toThrow("no space left");
    expect(record.state).toEqual(destinationStart);
    expect(world.restore).not.toHaveBeenCalled();
  });
});
