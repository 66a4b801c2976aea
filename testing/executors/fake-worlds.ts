import type { BatonAnswer, BatonOffer } from "../../src/contract/peer/messages.ts";
import type { DestinationState } from "../../src/migration/baton/destination.ts";
import { sourceMayRun } from "../../src/migration/baton/source.ts";
import type { DestinationBaton } from "../../src/migration/destination/baton.ts";
import type { DestinationWorld } from "../../src/migration/destination/effects/world.ts";
import type { SourceWorld } from "../../src/migration/source/effects/world.ts";
import type { OutgoingRecord } from "../../src/migration/source/record.ts";
import type { Machines } from "./machines.ts";

export const emptyOffer: BatonOffer = { images: [], logTail: [] };

/** What a world must know of the other side. */
interface Peers {
  destination: () => DestinationBaton | undefined;
  /** As the journal of the destination has it. */
  destinationState: () => DestinationState | undefined;
}

export function fakeSourceWorld(machines: Machines, record: OutgoingRecord, peers: Peers): SourceWorld {
  const action = <T>(what: string, act: () => T) => machines.action("source", what, act);
  const reached = () => {
    const destination = peers.destination();
    if (!destination) throw new Error("the destination does not answer");
    return destination;
  };
  const ask = async (what: string, deliver: (baton: DestinationBaton) => void) => {
    await action(what, () => deliver(reached()));
    return action("answer", () => answerOf(reached()));
  };
  return {
    thaw: () =>
      action("thaw", () => {
        if (!sourceMayRun(record.state)) throw new Error("it may not run here");
        machines.must(machines.original !== "dead", "thaw of a killed original");
        if (machines.original === "frozen") machines.original = "running";
        return machines.original === "running";
      }),
    restoreRestartPolicy: () =>
      action("restart-policy", () => {
        machines.policyHeld = false;
      }),
    kill: () =>
      action("kill", () => {
        const state = peers.destinationState();
        machines.must(state?.at === "running", "the original was killed before the copy ran");
        machines.must(!machines.postcopy || (state?.at === "running" && state.complete), "killed with pages missing");
        machines.original = "dead";
      }),
    remove: () =>
      action("remove", () => {
        machines.removed = true;
      }),
    protect: () => {},
    resetConnections: () => {},
    offer: () => ask("offer", (baton) => baton.offer(emptyOffer)),
    askBaton: ({ revoke, forced }) =>
      ask(revoke ? "revoke" : "ask", (baton) => baton.apply(revoke ? { type: "revoke", forced } : { type: "ask" })),
    askCompleted: () => ask("completed", (baton) => baton.apply({ type: "ask" })),
  };
}

export function fakeDestinationWorld(machines: Machines, peers: Pick<Peers, "destinationState">): DestinationWorld {
  const action = <T>(what: string, act: () => T) => machines.action("destination", what, act);
  const drained = () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {});
    machines.drained.push({ resolve, reject });
    if (!machines.postcopy) resolve();
    if (machines.isPageLost) reject(new Error("a page is lost"));
    return { drained: promise };
  };
  return {
    restore: () => {
      machines.must(machines.copy === "none", "restored twice");
      machines.copy = "restoring";
      return action("restore", () => {
        if (machines.copy !== "restoring") throw new Error("the restore was ended");
        machines.copy = "running";
        return drained();
      });
    },
    wasRestored: () => action("look", () => machines.copy === "running" || machines.copy === "exited"),
    drainAgain: drained,
    release: () =>
      action("release", () => {
        machines.released = true;
      }),
    restoreRestartPolicy: () =>
      action("policy there", () => {
        machines.policyGiven = true;
      }),
    freeRoom: () =>
      action("free-room", () => {
        const state = peers.destinationState();
        machines.must(state?.at !== "running" || state.complete, "room freed too early");
        machines.roomHeld = false;
      }),
    kill: () =>
      action("kill-copy", () => {
        machines.copy = "dead";
      }),
    discard: () =>
      action("discard", () => {
        if (machines.copy !== "none") machines.copy = "dead";
        machines.discarded = true;
      }),
  };
}

const answerOf = (baton: DestinationBaton): BatonAnswer => ({
  ...{
    status: baton.status,
    complete: baton.isComplete,
    steps: [],
    criu: null,
    entryMs: null,
    unrestored: [],
    error: null,
  },
});
