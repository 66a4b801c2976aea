import { expect, test } from "vitest";
import { readLook } from "./look.ts";
import { freezeInQuiet, type QuietWorld, refuseInFlight, warnOfInFlight } from "./quiet.ts";

const event = { kind: "inotify" as const, text: "process 7 (app) has not read" };
const transaction = { kind: "sqlite" as const, text: "process 7 (app) is in a transaction" };

/** @param looks what each look finds: how many things are in flight; the last one stays. Every look and every pause take their time. */
function world(looks: number[], watched = 1, locks: number[] = []) {
  const done: string[] = [];
  let now = 0;
  let frozen = false;
  const fake: QuietWorld<string> = {
    running: async () => "running",
    freeze: async () => {
      expect(frozen).toBe(false);
      frozen = true;
      done.push("freeze");
      return "frozen";
    },
    thaw: async () => {
      expect(frozen).toBe(true);
      frozen = false;
      done.push("thaw");
    },
    look: async (processes) => {
      expect(processes).toBe(frozen ? "frozen" : "running");
      const found = looks.length > 1 ? looks.shift() : looks[0];
      done.push(`look ${found}`);
      return { watched, inFlight: Array.from({ length: found ?? 0 }, () => event), foreign: [] };
    },
    lookAtLocks: async () => Array.from({ length: locks.shift() ?? 0 }, () => transaction),
    now: () => now,
    sleep: async (ms) => {
      expect(frozen).toBe(false);
      now += ms;
    },
  };
  return { fake, done, isFrozen: () => frozen };
}

test("what can have nothing in flight is frozen at once, and not looked at under the freeze", async () => {
  const { fake, done } = world([0], 0);
  expect(await freezeInQuiet(fake, 2000)).toEqual({ processes: "frozen", inFlight: [] });
  expect(done).toEqual(["look 0", "freeze"]);
});

test("locks are looked at under the freeze also where nothing else can be in flight", async () => {
  const { fake, done } = world([0], 0, [0, 1, 1, 0, 0]);
  expect(await freezeInQuiet(fake, 2000)).toEqual({ processes: "frozen", inFlight: [] });
  expect(done).toEqual(["look 0", "freeze", "thaw", "look 0", "look 0", "freeze"]);
});

test("it waits until nothing is in flight, and looks again under the freeze", async () => {
  const { fake, done } = world([2, 1, 0, 0]);
  expect(await freezeInQuiet(fake, 2000)).toEqual({ processes: "frozen", inFlight: [] });
  expect(done).toEqual(["look 2", "look 1", "look 0", "freeze", "look 0"]);
});

test("what comes before the freeze has taken effect makes it thaw and wait on", async () => {
  const { fake, done } = world([0, 1, 1, 0]);
  expect((await freezeInQuiet(fake, 2000)).inFlight).toEqual([]);
  expect(done).toEqual(["look 0", "freeze", "look 1", "thaw", "look 1", "look 0", "freeze", "look 0"]);
});

test("a server under load is not frozen and thawed for ever", async () => {
  const { fake, done, isFrozen } = world([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  expect((await freezeInQuiet(fake, 60_000)).inFlight).toEqual([event]);
  expect(done.filter((what) => what === "thaw")).toHaveLength(5);
  expect(isFrozen()).toBe(true);
});

test("after its time it is frozen with what is in flight", async () => {
  const { fake, isFrozen } = world([1]);
  expect(await freezeInQuiet(fake, 100)).toEqual({ processes: "frozen", inFlight: [event] });
  expect(isFrozen()).toBe(true);
});

test("what is lost is said, or refused; a connection to a unix socket is neither", () => {
  const inFlight = [event, { kind: "unix" as const, text: "process 8 (db) has" }];
  const warnings: string[] = [];
  const context = { warn: (message: string) => warnings.push(message) };
  warnOfInFlight(inFlight, context);
  expect(warnings).toEqual(["Process 7 (app) has not read. These events are lost."]);
  expect(() => refuseInFlight(inFlight, "wait")).toThrow(/would be lost: process 7 \(app\) has not read\.$/);
  refuseInFlight(inFlight.slice(1), "wait");
});

test("a look is read: who, what, where", () => {
  const processes = [{ pid: 7, command: "app" }];
  const output =
    "events 7 5 64\nmessages 7 8\nforeign 7 9 40 0\nforeign 7 10 2 262\nforeign 7 11 2 132\nforeign 7 12 99 0\nwaiting 7 4 1\nwaiting 7 6 10\nwatched 3\n";
  expect(readLook(output, processes)).toEqual({
    watched: 3,
    foreign: [
      "a socket of the family vsock",
      "a socket of multipath TCP (in Go, GODEBUG=multipathtcp=0 avoids it)",
      "a socket of the protocol 132",
      "a socket of the address family 99",
    ],
    inFlight: [
      { kind: "inotify", text: "process 7 (app) has not read 64 bytes of events from its inotify descriptor 5" },
      { kind: "netlink", text: "process 7 (app) has not read all messages of its netlink socket, descriptor 8" },
      { kind: "unix", text: "process 7 (app) has not accepted a connection to its unix socket, descriptor 4" },
      { kind: "inet", text: "process 7 (app) has not accepted a connection to its TCP socket, descriptor 6" },
    ],
  });
});
