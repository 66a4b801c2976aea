import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ExecutorWorld } from "../../../testing/executors/world.ts";
import { destinationMayRun } from "./destination.ts";
import { sourceIsDone } from "./source.ts";

type World = ExecutorWorld;
/** Those of baton.test.ts, where an action can be carried out, and how an action ends where it is. */
const verbs = {
  freeze: (w: World) => w.freeze(),
  offer: (w: World) => w.offer(),
  "an action works": (w: World, n: number) => w.machines.end(n, "works"),
  drain: (w: World) => w.machines.allPagesArrive(),
  tick: (w: World) => w.tick(),
  "time passes": (w: World) => w.machines.timePasses(),
  "an action fails": (w: World, n: number) => w.machines.end(n, "fails"),
  "an answer is lost": (w: World, n: number) => w.machines.end(n, "lost"),
  "source starts": (w: World) => w.start("source"),
  "destination starts": (w: World) => w.start("destination"),
  cancel: (w: World) => w.cancel(),
  "cancel there": (w: World) => w.refuse(),
  "copy exits": (w: World) => w.machines.copyExits(),
  "pages lost": (w: World) => w.machines.pagesAreLost(),
  "the source's disk is full": (w: World) => w.fillDisk("source"),
  "the destination's disk is full": (w: World) => w.fillDisk("destination"),
  "source crashes": (w: World, n: number) => w.crash("source", n),
  "destination crashes": (w: World, n: number) => w.crash("destination", n),
  "destination lost, forced": (w: World) => w.loseDestinationAndForce(),
};
type Verb = keyof typeof verbs;

const often: Verb[] = ["an action works", "drain", "time passes", "source starts", "destination starts"];
const sometimes: Verb[] = ["freeze", "offer", "tick", "an action fails", "an answer is lost"];
const rare = (Object.keys(verbs) as Verb[]).filter((name) => !often.includes(name) && !sometimes.includes(name));
const verb = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...often) },
  { weight: 6, arbitrary: fc.constantFrom(...sometimes) },
  { weight: 2, arbitrary: fc.constantFrom(...rare) },
);
const steps = fc.array(fc.tuple(verb, fc.nat(20)), { maxLength: 60, size: "max" });

/** Half of the runs begin with the offer on its way: the interesting part comes after it. */
async function play(postcopy: boolean, open: boolean, all: [Verb, number][]): Promise<World> {
  const world = new ExecutorWorld(postcopy);
  const opening: [Verb, number][] = open
    ? [
        ["freeze", 0],
        ["offer", 0],
        ["an action works", 0],
      ]
    : [];
  await world.settle();
  for (const [name, n] of [...opening, ...all]) {
    verbs[name](world, n);
    await world.settle();
  }
  return world;
}

describe("the executors, where every action can fail, hang, or lose its answer", () => {
  test("[B1] at most one side's processes run at any instant; in the end both sides are in the same place and owe nothing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.boolean(), steps, async (postcopy, open, all) => {
        const world = await play(postcopy, open, all);
        await world.heal();
        const { source, destination } = world.states;
        if (source.at === "holds" && source.ended === null) {
          expect(destinationMayRun(destination)).toBe(false);
          return;
        }
        // Its original waits for the operator: a copy that ended by itself never had all of its memory.
        if (source.at === "passed" && postcopy && world.machines.copy === "exited") return;
        expect(world.owed).toEqual([]);
        expect(sourceIsDone(source)).toBe(true);
        if (source.at === "holds") {
          expect(world.machines).toMatchObject({ original: "running", policyHeld: false, discarded: true });
          expect(["refused", "returned"]).toContain(destination?.at);
        } else {
          expect(world.machines).toMatchObject({
            original: "dead",
            removed: true,
            released: true,
            policyGiven: true,
            roomHeld: false,
          });
          expect(["running", "exited"]).toContain(world.machines.copy);
          expect(destination?.at).toBe("running");
        }
      }),
      { numRuns: 400 },
    );
  });
});
