import type { DestinationState } from "../../src/migration/baton/destination.ts";
import type { Clock } from "../../src/migration/baton/owed-effects.ts";
import type { SourceState } from "../../src/migration/baton/source.ts";
import { type Copy, checkInvariants, type Original } from "./invariants.ts";

export type Side = "source" | "destination";

interface Action {
  side: Side;
  what: string;
  /** What happens in the world. @returns the answer */
  act: () => unknown;
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

/** Two machines and what runs on them. Every action waits until the test says how it ends; time passes where the test says so. */
export class Machines {
  readonly postcopy: boolean;
  original: Original = "running";
  copy: Copy = "none";
  /** The operator has said that the destination is gone. */
  forced = false;
  /** Of the original in Docker. */
  removed = false;
  policyHeld = true;
  /** Of the copy. */
  released = false;
  policyGiven = false;
  roomHeld = true;
  discarded = false;
  actions: Action[] = [];
  isPageLost = false;
  drained: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #timers: { side: Side; at: number; fire: () => void }[] = [];
  #now = 0;
  #broken: string | undefined;

  constructor(postcopy: boolean) {
    this.postcopy = postcopy;
  }

  action<T>(side: Side, what: string, act: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) =>
      this.actions.push({ side, what, act, resolve: (answer) => resolve(answer as T), reject }),
    );
  }

  /** One action ends: it `works`, it `fails` without an effect, or it works and its answer is `lost`. */
  end(pick: number, how: "works" | "fails" | "lost"): void {
    const [action] = this.actions.splice(pick % Math.max(1, this.actions.length), 1);
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

  /** What a side has under way happens, or does not: nobody hears of it. */
  crash(side: Side, pick: number): void {
    const mine = this.actions.filter((action) => action.side === side);
    this.actions = this.actions.filter((action) => action.side !== side);
    this.#timers = this.#timers.filter((timer) => timer.side !== side);
    if (side === "destination") this.drained = [];
    for (const [index, { act, what }] of mine.entries()) {
      // The runtime hook continues without the agent.
      if (what === "restore" || (pick + index) % 2 === 0) attempt(act);
    }
  }

  allPagesArrive(): void {
    if (this.copy === "running") for (const { resolve } of this.drained.splice(0)) resolve();
  }

  pagesAreLost(): void {
    if (!this.postcopy || this.drained.length === 0) return;
    // What brings the pages kills the copy before it can read one that is missing.
    if (this.copy === "running") this.copy = "dead";
    this.isPageLost = true;
    for (const { reject } of this.drained.splice(0)) reject(new Error("a page is lost"));
  }

  copyExits(): void {
    if (this.copy === "running") this.copy = "exited";
  }

  clock(side: Side): Clock {
    return {
      now: () => this.#now,
      sleep: (ms) => new Promise((fire) => this.#timers.push({ side, at: this.#now + ms, fire })),
    };
  }

  timePasses(): void {
    const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
    if (!next) return;
    this.#now = next.at;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    next.fire();
  }

  /** Kept for `check`: whoever calls an action catches what it throws. */
  must(holds: boolean, what: string): void {
    if (!holds) this.#broken ??= what;
  }

  /** @throws the first invariant that does not hold, or did not hold in an action */
  check(source: SourceState, destination: DestinationState | undefined): void {
    const { original, copy, forced } = this;
    checkInvariants({ source, destination, original, copy, forced });
    this.must(!this.removed || original === "dead", "the original was removed alive");
    this.must(!this.discarded || copy === "none" || copy === "dead", "a living copy was discarded");
    if (this.#broken) throw new Error(this.#broken);
  }
}

function attempt(act: () => unknown): void {
  try {
    act();
  } catch {
    // It could not happen; nobody is left to hear of it.
  }
}
