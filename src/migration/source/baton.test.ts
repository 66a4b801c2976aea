import { describe, expect, test, vi } from "vitest";
import type { BatonAnswer, BatonStatus } from "../../contract/peer/messages.ts";
import { sourceStart } from "../baton/source.ts";
import { SourceBaton } from "./baton.ts";
import type { OutgoingRecord } from "./record.ts";

const answer = (status: BatonStatus, complete = false): BatonAnswer => ({
  ...{ status, complete, steps: [], criu: null, entryMs: null, unrestored: [], error: null },
});
const refuses = () => vi.fn(async (): Promise<never> => Promise.reject(new Error("Docker does not answer")));

/** A source whose world does what it is asked, unless the test says otherwise; pauses take no time. */
function source(state: OutgoingRecord["state"] = sourceStart, more: Partial<OutgoingRecord> = {}) {
  const record: OutgoingRecord = {
    ...{ migration: "m", container: "web", containerId: "c", destination: "h2", state, owed: [], mode: "cold" },
    ...{
      keepSource: false,
      keepConnections: true,
      mayBeFrozen: true,
      restartPolicy: { Name: "always" },
      volumes: [],
      result: null,
    },
    ...{ startedAt: new Date(0).toISOString(), ...more },
  };
  const world = {
    thaw: vi.fn(async () => true),
    restoreRestartPolicy: vi.fn(async () => {}),
    kill: vi.fn(async () => {}),
    remove: vi.fn(async () => {}),
    protect: vi.fn(),
    resetConnections: vi.fn(),
    offer: vi.fn(async () => answer("running", true)),
    askBaton: vi.fn(async () => answer("waiting")),
    askCompleted: vi.fn(async () => answer("running", true)),
  };
  const saved: OutgoingRecord[] = [];
  const save = vi.fn(() => void saved.push(structuredClone(record)));
  const failures: string[] = [];
  const baton = new SourceBaton(record, {
    ...{ world, save },
    // The time limit of a try never ends here.
    clock: { now: () => 0, sleep: (ms) => (ms >= 60_000 ? new Promise(() => {}) : Promise.resolve()) },
    onFailure: (effect) => failures.push(effect),
    onJournalFailure: () => failures.push("journal"),
  });
  return { baton, record, world, saved, save, failures };
}
const nothing = { images: [], logTail: [] };

describe("the source, where an action fails", () => {
  test("holds: a thaw that fails is tried until it holds, and keeps neither the policy nor the revoke waiting", async () => {
    const { baton, record, world, failures } = source();
    world.thaw.mockImplementationOnce(refuses()).mockImplementationOnce(refuses());
    await baton.apply({ type: "cancel" });
    expect(world.askBaton).toHaveBeenCalledWith({ revoke: true, forced: false });
    await baton.owed.settled();
    expect(world.thaw).toHaveBeenCalledTimes(3);
    expect(world.restoreRestartPolicy).toHaveBeenCalledTimes(1);
    expect(failures).toEqual(["thaw", "thaw"]);
    expect(record.owed).toEqual([]);
  });

  test("holds: a restart policy that cannot be given back is tried until it is", async () => {
    const { baton, world } = source();
    world.restoreRestartPolicy.mockImplementationOnce(refuses());
    await baton.apply({ type: "cancel" });
    await baton.owed.settled();
    expect(world.restoreRestartPolicy).toHaveBeenCalledTimes(2);
  });

  test("offered: an offer without an answer leaves the original frozen", async () => {
    const { baton, record, world } = source();
    world.offer.mockImplementation(refuses());
    await baton.offer(nothing);
    expect(record.state).toEqual({ at: "offered", revoking: false });
    expect(world.thaw).not.toHaveBeenCalled();
    expect(world.kill).not.toHaveBeenCalled();
  });

  test("offered: a status of the destination that the journal cannot take counts for nothing, and is asked for again", async () => {
    const { baton, record, world, save, failures } = source({ at: "offered", revoking: false });
    world.askBaton.mockResolvedValue(answer("running", true));
    save
      .mockImplementationOnce(() => {})
      .mockImplementationOnce(() => {
        throw new Error("no space left on device");
      });
    await baton.apply({ type: "tick" });
    expect(failures).toEqual(["journal"]);
    expect(record.state.at).toBe("offered");
    expect(world.kill).not.toHaveBeenCalled();
    await baton.apply({ type: "tick" });
    await baton.owed.settled();
    expect(world.kill).toHaveBeenCalledTimes(1);
  });

  test("passed: nobody who asks in vain thaws or kills the original", async () => {
    const { baton, record, world } = source({ at: "passed" });
    world.askBaton.mockImplementation(refuses());
    await baton.apply({ type: "tick" });
    await baton.apply({ type: "restarted" });
    expect(record.state).toEqual({ at: "passed" });
    expect(world.thaw).not.toHaveBeenCalled();
    expect(world.kill).not.toHaveBeenCalled();
  });

  test("finished: an end that fails is tried until it holds; the original is not removed before", async () => {
    const { baton, world } = source({ at: "passed" });
    world.askBaton.mockResolvedValue(answer("running", true));
    world.kill.mockImplementationOnce(refuses()).mockImplementationOnce(async () => {
      expect(world.remove).not.toHaveBeenCalled();
      throw new Error("still in vain");
    });
    await baton.apply({ type: "tick" });
    expect(baton.isForgettable).toBe(false);
    await baton.owed.settled();
    expect(world.kill).toHaveBeenCalledTimes(3);
    expect(world.remove).toHaveBeenCalledTimes(1);
    expect(baton.isForgettable).toBe(true);
  });

  test("finished: what is owed stands in the journal, and a restarted agent does it", async () => {
    const before = source({ at: "passed" });
    before.world.askBaton.mockResolvedValue(answer("running", true));
    before.world.kill.mockReturnValue(new Promise(() => {}));
    await before.baton.apply({ type: "tick" });
    const journalled = before.saved.at(-1);
    expect(journalled).toMatchObject({ state: { at: "finished" }, owed: ["kill", "remove"] });
    const after = source({ at: "finished" }, { owed: journalled?.owed ?? [] });
    await after.baton.apply({ type: "restarted" });
    await after.baton.owed.settled();
    expect(after.world.kill).toHaveBeenCalledTimes(1);
    expect(after.world.remove).toHaveBeenCalledTimes(1);
  });

  test("returned: the original is thawed although the policy cannot be given back yet", async () => {
    const { baton, record, world } = source({ at: "passed" });
    world.askBaton.mockResolvedValue(answer("returned"));
    world.restoreRestartPolicy.mockImplementation(refuses());
    await baton.apply({ type: "tick" });
    await baton.owed.settled("thaw");
    expect(record).toMatchObject({ state: { at: "holds", ended: "returned" }, owed: ["restart-policy"] });
    baton.owed.stop();
  });

  test("forced: the original is thawed although the destination never answers", async () => {
    const { baton, world } = source({ at: "passed" });
    world.askBaton.mockImplementation(refuses());
    await baton.apply({ type: "force" });
    await baton.owed.settled();
    expect(world.thaw).toHaveBeenCalledTimes(1);
    expect(world.askBaton).toHaveBeenCalledWith({ revoke: true, forced: true });
  });

  test("a restart does nothing again that was done: the container may be in another migration by now", async () => {
    for (const state of [{ at: "holds", ended: "cancelled", settled: false }, { at: "finished" }] as const) {
      const { baton, world } = source(state);
      await baton.apply({ type: "restarted" });
      await baton.owed.settled();
      expect(world.thaw).not.toHaveBeenCalled();
      expect(world.kill).not.toHaveBeenCalled();
    }
  });

  test("a container that may run here does not wait frozen for room on a disk", async () => {
    const { baton, world, save } = source();
    for (let i = 0; i < 3; i++)
      save.mockImplementationOnce(() => {
        throw new Error("no space left on device");
      });
    world.thaw.mockImplementationOnce(refuses());
    await baton.insist({ type: "cancel" });
    expect(world.thaw.mock.calls.length).toBeGreaterThanOrEqual(3);
    await baton.owed.settled();
  });

  test("nothing follows from an input that the journal cannot take", async () => {
    const { baton, record, world, save } = source({ at: "offered", revoking: false });
    save.mockImplementation(() => {
      throw new Error("no space left on device");
    });
    await expect(baton.apply({ type: "force" })).rejects.toThrow("no space left");
    expect(record).toMatchObject({ state: { at: "offered" }, owed: [] });
    expect(world.thaw).not.toHaveBeenCalled();
  });
});
