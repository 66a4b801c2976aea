import { setTimeout as sleep } from "node:timers/promises";

/** The time as the executors see it; a fake one in their tests. */
export interface Clock {
  /** In ms, from an arbitrary beginning. */
  now(): number;
  /** Never rejects. */
  sleep(ms: number): Promise<void>;
}

/** The process may end while this one sleeps. */
export const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms) => sleep(ms, undefined, { ref: false }),
};

/** Pauses between two tries of one effect, in ms; the last one again and again. */
const pausesMs = [500, 1000, 2000, 5000, 10_000, 30_000];
/** An effect that has not answered after this time is tried again, in ms: Docker may hang, or its answer may be lost. */
const patienceMs = 60_000;

interface OwedEffectsOptions<E extends string> {
  /** The journal's list: entries are added and removed in place. */
  owed: E[];
  /** Each is harmless when it is repeated, also beside an earlier try that still runs. */
  effects: Record<E, () => Promise<void>>;
  /** What must hold before an effect is tried. The others do not wait for each other. */
  after?: Partial<Record<E, readonly E[]>>;
  /** Writes the list to the journal. */
  save: () => void;
  /** Called when a try failed, and another one follows after this pause in ms. */
  onFailure: (effect: E, error: unknown, pauseMs: number) => void;
  clock: Clock;
}

/**
 * What a side owes the world: effects that the journal lists until they hold. A failed effect is tried again, with a growing
 * pause, for as long as the agent lives, and after its restart.
 */
export class OwedEffects<E extends string> {
  readonly #options: OwedEffectsOptions<E>;
  readonly #running = new Set<E>();
  readonly #waiting = new Set<() => void>();
  #stopped = false;

  constructor(options: OwedEffectsOptions<E>) {
    this.#options = options;
  }

  /** Adds effects to the list. The caller writes the journal, and calls `start` after it. */
  add(...effects: E[]): void {
    const { owed } = this.#options;
    for (const effect of effects) if (!owed.includes(effect)) owed.push(effect);
  }

  /** Takes effects off the list that nobody needs any more. The caller writes the journal. */
  drop(...effects: E[]): void {
    const { owed } = this.#options;
    for (const effect of effects) {
      const at = owed.indexOf(effect);
      if (at >= 0) owed.splice(at, 1);
    }
    this.#wake();
  }

  /** Tries everything that is owed and not under way. */
  start(): void {
    for (const effect of [...this.#options.owed]) {
      if (this.#running.has(effect)) continue;
      this.#running.add(effect);
      // It does not reject: every failure is told and tried again.
      void this.#untilItHolds(effect).finally(() => {
        this.#running.delete(effect);
        // It may be owed anew by now.
        if (this.#mustTry(effect)) this.start();
      });
    }
  }

  /** Whether one of these is owed; without arguments, whether anything is. */
  owes(...effects: E[]): boolean {
    const { owed } = this.#options;
    return effects.length === 0 ? owed.length > 0 : effects.some((effect) => owed.includes(effect));
  }

  /** Resolves when none of these is owed; without arguments, when nothing is. */
  async settled(...effects: E[]): Promise<void> {
    while (this.owes(...effects)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Tries nothing more. The journal keeps what is owed. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  async #untilItHolds(effect: E): Promise<void> {
    const { effects, after, onFailure, clock } = this.#options;
    for (let tries = 0; this.#mustTry(effect); tries++) {
      const before = after?.[effect] ?? [];
      while (before.length > 0 && this.owes(...before) && this.#mustTry(effect)) {
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
      if (!this.#mustTry(effect)) return;
      try {
        await this.#withinPatience(effects[effect]());
        this.#strike(effect);
      } catch (error) {
        if (!this.#mustTry(effect)) return;
        const pause = pausesMs[Math.min(tries, pausesMs.length - 1)] ?? patienceMs;
        onFailure(effect, error, pause);
        await clock.sleep(pause);
      }
    }
  }

  /** Takes off the list what holds. @throws where the journal cannot be written: the effect is repeated then */
  #strike(effect: E): void {
    if (!this.#mustTry(effect)) return;
    this.drop(effect);
    try {
      this.#options.save();
    } catch (error) {
      this.add(effect);
      throw error;
    }
  }

  #mustTry(effect: E): boolean {
    return !this.#stopped && this.owes(effect);
  }

  async #withinPatience(trying: Promise<void>): Promise<void> {
    // Nobody waits for a try after its time limit: its error is dropped.
    trying.catch(() => {});
    const over = this.#options.clock.sleep(patienceMs).then(() => {
      throw new Error(`no answer within ${patienceMs / 1000} s`);
    });
    over.catch(() => {});
    await Promise.race([trying, over]);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
