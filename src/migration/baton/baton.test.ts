import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { World } from "../../../testing/executors/baton-world.ts";
import { type DestinationState, destinationMayRun, destinationStep, statusOf } from "./destination.ts";
import { type SourceState, sourceIsDone, sourceMayRun, sourceStart, sourceStep } from "./source.ts";

const verbs = {
  prepare: (w: World) => w.prepare(),
  freeze: (w: World) => w.freeze(),
  offer: (w: World) => w.offer(),
  deliver: (w: World, n: number) => w.deliver(n, false),
  duplicate: (w: World, n: number) => w.deliver(n, true),
  lose: (w: World, n: number) => w.lose(n),
  "source acts": (w: World) => w.sourceActs(),
  "destination acts": (w: World) => w.destinationActs(),
  "restore works": (w: World) => w.restoreEnds(true),
  "restore fails": (w: World) => w.restoreEnds(false),
  "read result": (w: World) => w.readResult(),
  drain: (w: World) => w.drain(),
  "copy exits": (w: World) => w.copyExits(),
  tick: (w: World) => w.inSource({ type: "tick" }),
  cancel: (w: World) => w.inSource({ type: "cancel" }),
  "cancel there": (w: World) => w.inDestination({ type: "refuse" }),
  "source crashes": (w: World) => w.crashSource(),
  "source starts": (w: World) => w.startSource(),
  "destination crashes": (w: World) => w.crashDestination(),
  "destination starts": (w: World) => w.startDestination(),
  "destination lost, forced": (w: World) => w.loseDestinationAndForce(),
};
type Verb = keyof typeof verbs;

/** Rare in a run, or no run comes far. */
const rare: Verb[] = [
  "cancel",
  "cancel there",
  "source crashes",
  "destination crashes",
  "destination lost, forced",
  "lose",
];
const verb = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...(Object.keys(verbs) as Verb[]).filter((name) => !rare.includes(name))) },
  { weight: 1, arbitrary: fc.constantFrom(...rare) },
);
const run = fc.array(fc.tuple(verb, fc.nat(20)), { maxLength: 80, size: "max" });
/** Half of the runs begin with the offer on its way: the interesting part comes after it. */
const opening: [Verb, number][] = [
  ["prepare", 0],
  ["deliver", 0],
  ["freeze", 0],
  ["offer", 0],
  ["source acts", 0],
];

function play(w: World, steps: [Verb, number][]): World {
  for (const [name, n] of steps) verbs[name](w, n);
  return w;
}

describe("the baton under random crashes, losses, duplicates, delays and commands", () => {
  const runs = { numRuns: 4000 };

  test("[B1] at most one side's processes may run at any instant, [B2] the original is thawed only after a final status, [B3] and killed only after the copy ran with all it needs", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), run, (postcopy, open, steps) => {
        play(new World(postcopy), open ? [...opening, ...steps] : steps);
      }),
      runs,
    );
  });

  test("[B4] when messages flow again both sides end in the same place: exactly one holder, [B5] never nobody", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), run, fc.boolean(), (postcopy, open, steps, restoreWorks) => {
        const w = play(new World(postcopy), open ? [...opening, ...steps] : steps);
        w.heal(restoreWorks);
        const untouched = w.source.at === "holds" && w.source.ended === null;
        if (untouched) {
          expect(destinationMayRun(w.destination)).toBe(false);
          return;
        }
        expect(sourceIsDone(w.source) || postcopyWithoutCopy(w)).toBe(true);
        if (w.source.at === "holds") {
          expect(w.original).toBe("running");
          expect(["refused", "returned"]).toContain(w.destination?.at);
        } else {
          expect(w.destination?.at).toBe("running");
          expect(["running", "exited"]).toContain(w.copy);
        }
        expect(sourceMayRun(w.source)).toBe(!destinationMayRun(w.destination));
      }),
      runs,
    );
  });

  test("the random runs reach every state of both sides", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), run, (postcopy, open, steps) => {
        const w = new World(postcopy);
        for (const [name, n] of open ? [...opening, ...steps] : steps) {
          verbs[name](w, n);
          seen.add(w.source.at === "holds" ? `holds ${w.source.ended}` : w.source.at);
          seen.add(statusOf(w.destination));
        }
      }),
      { numRuns: 3000, seed: 7 },
    );
    expect([...seen].sort()).toEqual(
      "finished,holds cancelled,holds forced,holds null,holds refused,holds returned,offered,passed,refused,returned,running,taken,waiting".split(
        ",",
      ),
    );
  });
});

/** A post-copy container that ended before its last page came keeps its original, frozen, for the operator. */
function postcopyWithoutCopy(w: World): boolean {
  return w.postcopy && w.source.at === "passed" && w.copy === "exited";
}

describe("the source", () => {
  const offered: SourceState = { at: "offered", revoking: false };

  test("[B1] stays frozen when nothing is heard, and after a restart asks for it back", () => {
    expect(sourceStep(offered, { type: "tick" })).toEqual({ state: offered, actions: [{ do: "ask" }] });
    expect(sourceStep(offered, { type: "restarted" })).toEqual({
      state: { at: "offered", revoking: true },
      actions: [{ do: "revoke", forced: false }],
    });
    expect(sourceMayRun(offered)).toBe(false);
  });

  test("[B1] once passed, neither a cancel nor a refusal from a lost journal thaws; a return does", () => {
    for (const input of [{ type: "cancel" }, { type: "status", status: "refused", complete: false }] as const)
      expect(sourceStep({ at: "passed" }, input)).toEqual({ state: { at: "passed" }, actions: [] });
    expect(sourceStep({ at: "passed" }, { type: "status", status: "returned", complete: false })).toEqual({
      state: { at: "holds", ended: "returned", settled: true },
      actions: [{ do: "thaw" }],
    });
  });

  test("[B3] keeps the original while the copy still needs pages", () => {
    const running = { type: "status", status: "running" } as const;
    expect(sourceStep(offered, { ...running, complete: false })).toEqual({ state: { at: "passed" }, actions: [] });
    expect(sourceStep(offered, { ...running, complete: true })).toEqual({
      state: { at: "finished" },
      actions: [{ do: "kill-original" }],
    });
  });

  test("[B4] an offer that was lost is sent again, and never after the migration ended", () => {
    const waiting = { type: "status", status: "waiting", complete: false } as const;
    expect(sourceStep(offered, waiting).actions).toEqual([{ do: "send-offer" }]);
    const ended = sourceStep(sourceStart, { type: "cancel" }).state;
    expect(sourceStep(ended, { type: "offer" })).toEqual({ state: ended, actions: [] });
    expect(sourceStep(ended, waiting)).toEqual({ state: ended, actions: [] });
  });

  test("[B5] forced by the operator it thaws, and tells the destination until that has answered", () => {
    const { state, actions } = sourceStep({ at: "passed" }, { type: "force" });
    expect(actions).toEqual([{ do: "thaw" }, { do: "revoke", forced: true }]);
    expect(sourceStep(state, { type: "tick" }).actions).toEqual([{ do: "revoke", forced: true }]);
    expect(sourceIsDone(sourceStep(state, { type: "status", status: "returned", complete: false }).state)).toBe(true);
  });
});

describe("the destination", () => {
  const taken: DestinationState = { at: "taken", killing: false };

  test("[B1] remembers the revoke of an unknown migration: its announcement and its offer come too late", () => {
    const refused = destinationStep(undefined, { type: "revoke", forced: false }).state;
    expect(refused).toEqual({ at: "refused" });
    expect(destinationStep(refused, { type: "prepare" }).state).toEqual(refused);
    expect(destinationStep(refused, { type: "offer" })).toEqual({
      state: refused,
      actions: [{ do: "answer", status: "refused", complete: false }],
    });
  });

  test("[B1] takes an offer once: its duplicate only gets the status", () => {
    expect(destinationStep({ at: "waiting" }, { type: "offer" }).actions[0]).toEqual({ do: "restore" });
    expect(destinationStep(taken, { type: "offer" }).actions).toEqual([
      { do: "answer", status: "taken", complete: false },
    ]);
  });

  test("[B1] restores nothing after a restart: what cannot be verified is killed first and then returned", () => {
    const { state, actions } = destinationStep(taken, { type: "restarted", verified: false, complete: true });
    expect(state).toEqual({ at: "taken", killing: true });
    expect(actions[0]).toEqual({ do: "kill-copy" });
    expect(destinationStep(state, { type: "restored", complete: true }).state).toEqual(state);
    expect(destinationStep(state, { type: "copy-dead" }).state).toEqual({ at: "returned" });
    expect(destinationStep({ at: "waiting" }, { type: "restarted", verified: false, complete: true }).state).toEqual({
      at: "refused",
    });
  });

  test("[B1] ends a running copy only when the operator gave the container back to the source", () => {
    const running: DestinationState = { at: "running", complete: true, killing: false };
    expect(destinationStep(running, { type: "revoke", forced: false }).state).toEqual(running);
    expect(destinationStep(running, { type: "revoke", forced: true }).actions[0]).toEqual({ do: "kill-copy" });
  });

  test("an ask about an unknown migration writes nothing", () => {
    expect(destinationStep(undefined, { type: "ask" })).toEqual({
      state: undefined,
      actions: [{ do: "answer", status: "waiting", complete: false }],
    });
  });
});
