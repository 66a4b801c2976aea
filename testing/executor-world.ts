import type { BatonAnswer, BatonOffer } from "../src/contract/peer-messages.ts";
import type { DestinationState } from "../src/migration/baton/destination.ts";
import type { Clock } from "../src/migration/baton/owed-effects.ts";
import { sourceIsDone, sourceStart } from "../src/migration/baton/source.ts";
import { DestinationBaton } from "../src/migration/destination/baton.ts";
import type { DestinationWorld } from "../src/migration/destination/effects/world.ts";
import type { IncomingRecord } from "../src/migration/destination/record.ts";
import { SourceBaton } from "../src/migration/source/baton.ts";
import type { SourceWorld } from "../src/migration/source/effects/world.ts";
import type { OutgoingRecord } from "../src/migration/source/record.ts";
import { type Copy, checkInvariants, type Original } from "./baton-world.ts";

/*
 * The real executors of both sides on a world in which every action waits until the test says how it ends: it works, it fails, it
 * works and its answer is lost, or it hangs. Journals fail, agents crash, and time passes only where the test says so.
 */

type Side = "source" | "destination";

interface Pending {
  side: Side;
  what: string;
  /** What happens in the world. @returns the answer */
  act: () => unknown;
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

const offer: BatonOffer = { images: [], logTail: [] };

export class ExecutorWorld {
  readonly postcopy: boolean;
  original: Original = "running";
  copy: Copy = "none";
  forced = false;
  /** The original is in Docker, and so is its policy. */
  removed = false;
  policyHeld = true;
  /** Of the copy. */
  released = false;
  policyGiven = false;
  roomHeld = true;
  discarded = false;
  pending: Pending[] = [];
  source: SourceBaton | undefined;
  destination: DestinationBaton | undefined;
  /** What either journal holds. */
  #journals: { source: string | undefined; destination: string | undefined } = {
    source: undefined,
    destination: undefined,
  };
  #fullDisks = { source: false, destination: false };
  #timers: { side: Side; at: number; fire: () => void }[] = [];
  #now = 0;
  #isPageLost = false;
  #broken: string | undefined;
  #drained: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(postcopy: boolean) {
    this.postcopy = postcopy;
    this.#startSource({
      ...{ migration: "m", container: "web", containerId: "c", destination: "h2", state: sourceStart, owed: [] },
      ...{ mode: postcopy ? "postcopy" : "cold", keepSource: false, keepConnections: true },
      ...{ restartPolicy: { Name: "always" }, volumes: [], startedAt: new Date(0).toISOString(), result: null },
    });
    this.#startDestination({
      request: { migration: "m" } as IncomingRecord["request"],
      state: { at: "waiting" },
      ...{ owed: [], creating: false, created: "copy", volumes: [], networks: [], paths: [], folders: [] },
      startedAt: new Date(0).toISOString(),
    });
    this.tick();
    this.#inDestination((baton) => baton.apply({ type: "prepare" }));
  }

  /** The state of a side as its journal has it. */
  get states(): { source: OutgoingRecord["state"]; destination: DestinationState | undefined } {
    const { source, destination } = this.#journals;
    return {
      source: source ? (JSON.parse(source) as OutgoingRecord).state : sourceStart,
      destination: destination ? (JSON.parse(destination) as IncomingRecord).state : undefined,
    };
  }

  /** What a side still owes, as its journal has it. */
  get owed(): string[] {
    const { source, destination } = this.#journals;
    return [source, destination].flatMap((journal) =>
      journal ? (JSON.parse(journal) as { owed: string[] }).owed : [],
    );
  }

  freeze(): void {
    const { source } = this.states;
    if (this.source && source.at === "holds" && source.ended === null) this.original = "frozen";
  }

  offer(): void {
    if (this.original === "frozen") this.#inSource((baton) => baton.offer(offer));
  }

  tick(): void {
    this.#inSource((baton) => baton.apply({ type: "tick" }));
  }

  cancel(): void {
    this.#inSource((baton) => baton.insist({ type: "cancel" }));
  }

  refuse(): void {
    this.#inDestination((baton) => baton.apply({ type: "refuse" }));
  }

  /** One action ends: it `works`, it `fails` without an effect, or it works and its answer is `lost`. */
  end(pick: number, how: "works" | "fails" | "lost"): void {
    const [action] = this.pending.splice(pick % Math.max(1, this.pending.length), 1);
    if (!action) return;
    if (how === "fails") {
      if (action.what === "restore" && this.copy === "restoring") this.copy = "debris";
      action.reject(new Error(`${action.what} failed`));
      return;
    }
    try {
      const answer = action.act();
      if (how === "works") action.resolve(answer);
      else action.reject(new Error(`the answer to ${action.what} was lost`));
    } catch (error) {
      action.reject(error as Error);
    }
  }

  drain(): void {
    if (this.copy === "running") for (const { resolve } of this.#drained.splice(0)) resolve();
  }

  pagesLost(): void {
    if (!this.postcopy || this.#drained.length === 0) return;
    // What brings the pages kills the copy before it can read one that is missing.
    if (this.copy === "running") this.copy = "dead";
    this.#isPageLost = true;
    for (const { reject } of this.#drained.splice(0)) reject(new Error("a page is lost"));
  }

  fillDisk(side: Side): void {
    this.#fullDisks[side] = true;
  }

  timePasses(): void {
    const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
    if (!next) return;
    this.#now = next.at;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    next.fire();
  }

  /** What was under way happens, or does not: nobody hears of it. */
  crash(side: Side, pick: number): void {
    if (side === "source") this.source = undefined;
    else this.destination = undefined;
    const mine = this.pending.filter((action) => action.side === side);
    this.pending = this.pending.filter((action) => action.side !== side);
    this.#timers = this.#timers.filter((timer) => timer.side !== side);
    if (side === "destination") this.#drained = [];
    for (const [index, { act, what }] of mine.entries()) {
      // The runtime hook goes on without the agent.
      if (what === "restore" || (pick + index) % 2 === 0) attempt(act);
    }
  }

  start(side: Side): void {
    const journal = this.#journals[side];
    if (journal === undefined || this[side]) return;
    this.#fullDisks[side] = false;
    if (side === "source") {
      this.#startSource(JSON.parse(journal) as OutgoingRecord);
      this.#inSource((baton) => baton.insist({ type: "restarted" }));
    } else {
      this.#startDestination(JSON.parse(journal) as IncomingRecord);
      this.#inDestination((baton) => baton.resume());
    }
  }

  /** The destination's machine dies with all that runs on it; then the operator says so. */
  loseDestinationAndForce(): void {
    const { source } = this.states;
    if (!this.source || (source.at !== "offered" && source.at !== "passed")) return;
    this.crash("destination", 1);
    if (this.copy !== "none") this.copy = "dead";
    this.pending = this.pending.filter(({ what }) => what !== "answer");
    this.forced = true;
    // With a full disk the operator is told so, and says it again.
    this.#fullDisks.source = false;
    this.#inSource((baton) => baton.apply({ type: "force" }));
  }

  /** Everything works from now on, for long enough. */
  async heal(): Promise<void> {
    this.#fullDisks = { source: false, destination: false };
    this.start("source");
    this.start("destination");
    for (let round = 0; round < 200; round++) {
      await this.settle();
      while (this.pending.length > 0) {
        this.end(0, "works");
        await this.settle();
      }
      this.drain();
      for (let timer = 0; timer < 10; timer++) this.timePasses();
      if (round % 4 === 0) this.tick();
      const isQuiet = this.owed.length === 0 && this.pending.length === 0;
      if (isQuiet && round > 8 && sourceIsDone(this.states.source)) break;
    }
  }

  /** Lets everything that can go on without the world go on, and looks at the invariants. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.check();
  }

  /** Also what broke in an action, whoever caught it there. @throws the first invariant that does not hold */
  check(): void {
    if (this.#broken) throw new Error(this.#broken);
    const { source, destination } = this.states;
    const { original, copy, forced } = this;
    checkInvariants({ source, destination, original, copy, forced });
    this.#must(!this.removed || original === "dead", "the original was removed alive");
    this.#must(!this.discarded || copy === "none" || copy === "dead", "a living copy was discarded");
    if (this.#broken) throw new Error(this.#broken);
  }

  #must(holds: boolean, what: string): void {
    if (!holds) this.#broken ??= what;
  }

  copyExits(): void {
    if (this.copy === "running") this.copy = "exited";
  }

  #startSource(record: OutgoingRecord): void {
    this.source = new SourceBaton(record, {
      world: this.#sourceWorld(record),
      clock: this.#clock("source"),
      save: this.#save("source", record),
      onFailure: () => {},
      onJournalFailure: () => {},
    });
  }

  #startDestination(record: IncomingRecord): void {
    this.destination = new DestinationBaton(record, {
      world: this.#destinationWorld(),
      clock: this.#clock("destination"),
      save: this.#save("destination", record),
      onFailure: () => {},
    });
  }

  /** A crashed agent writes nothing more: its record belongs to nobody. */
  #save(side: Side, record: OutgoingRecord | IncomingRecord) {
    return () => {
      if (this[side] && this[side]?.record !== record) return;
      if (this.#fullDisks[side]) {
        this.#fullDisks[side] = false;
        throw new Error("no space left on device");
      }
      this.#journals[side] = JSON.stringify(record);
    };
  }

  #clock(side: Side): Clock {
    return {
      now: () => this.#now,
      sleep: (ms) => new Promise((fire) => this.#timers.push({ side, at: this.#now + ms, fire })),
    };
  }

  #action<T>(side: Side, what: string, act: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) =>
      this.pending.push({ side, what, act, resolve: (answer) => resolve(answer as T), reject }),
    );
  }

  #sourceWorld(record: OutgoingRecord): SourceWorld {
    const action = <T>(what: string, act: () => T) => this.#action("source", what, act);
    const ask = (what: string, deliver: (baton: DestinationBaton) => void) =>
      action(what, () => {
        const { destination } = this;
        if (!destination) throw new Error("the destination does not answer");
        deliver(destination);
        return undefined;
      }).then(() =>
        action("answer", () => {
          if (!this.destination) throw new Error("the destination does not answer");
          return answerOf(this.destination);
        }),
      );
    return {
      thaw: () =>
        action("thaw", () => {
          this.#must(this.original !== "dead" || record.state.at === "holds", "thaw of a killed original");
          if (this.original === "frozen") this.original = "running";
          return this.original === "running";
        }),
      restoreRestartPolicy: () =>
        action("restart-policy", () => {
          this.policyHeld = false;
        }),
      kill: () =>
        action("kill", () => {
          const { destination } = this.states;
          this.#must(destination?.at === "running", "the original was killed before the copy ran");
          this.#must(
            !this.postcopy || (destination?.at === "running" && destination.complete),
            "killed with pages missing",
          );
          this.original = "dead";
        }),
      remove: () =>
        action("remove", () => {
          this.removed = true;
        }),
      resetConnections: () => {},
      offer: () => ask("offer", (baton) => baton.offer(offer)),
      askBaton: ({ revoke, forced }) =>
        ask(revoke ? "revoke" : "ask", (baton) => baton.apply(revoke ? { type: "revoke", forced } : { type: "ask" })),
      askCompleted: () => ask("completed", (baton) => baton.apply({ type: "ask" })),
    };
  }

  #destinationWorld(): DestinationWorld {
    const action = <T>(what: string, act: () => T) => this.#action("destination", what, act);
    const drained = () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      promise.catch(() => {});
      this.#drained.push({ resolve, reject });
      if (!this.postcopy) resolve();
      if (this.#isPageLost) reject(new Error("a page is lost"));
      return { drained: promise };
    };
    return {
      restore: () => {
        this.#must(this.copy === "none", "restored twice");
        this.copy = "restoring";
        return action("restore", () => {
          if (this.copy !== "restoring") throw new Error("the restore was ended");
          this.copy = "running";
          return drained();
        });
      },
      wasRestored: () => action("look", () => this.copy === "running" || this.copy === "exited"),
      drainAgain: drained,
      release: () =>
        action("release", () => {
          this.released = true;
        }),
      restoreRestartPolicy: () =>
        action("policy there", () => {
          this.policyGiven = true;
        }),
      freeRoom: () =>
        action("free-room", () => {
          this.#must(
            this.states.destination?.at !== "running" || this.states.destination.complete,
            "room freed too early",
          );
          this.roomHeld = false;
        }),
      kill: () =>
        action("kill-copy", () => {
          this.copy = "dead";
        }),
      discard: () =>
        action("discard", () => {
          if (this.copy !== "none") this.copy = "dead";
          this.discarded = true;
        }),
    };
  }

  #inSource(work: (baton: SourceBaton) => Promise<unknown>): void {
    // A full disk refuses the input: its caller tries again.
    if (this.source) work(this.source).catch(() => {});
  }

  #inDestination(work: (baton: DestinationBaton) => unknown): void {
    const { destination } = this;
    if (destination)
      Promise.resolve()
        .then(() => work(destination))
        .catch(() => {});
  }
}

const answerOf = (baton: DestinationBaton): BatonAnswer => ({
  ...{ status: baton.status, complete: baton.isComplete, steps: [], criu: null, entryMs: null, error: null },
});

function attempt(act: () => unknown): void {
  try {
    act();
  } catch {
    // It could not happen; nobody is left to hear of it.
  }
}
