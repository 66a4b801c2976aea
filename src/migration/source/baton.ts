import type { ErrorReport } from "../../contract/errors.ts";
import type { CriuRestoreStats } from "../../contract/migration.ts";
import type { Step } from "../../contract/operations.ts";
import type { BatonAnswer, BatonOffer } from "../../contract/peer/messages.ts";
import { type Clock, OwedEffects } from "../baton/owed-effects.ts";
import { type SourceAction, type SourceInput, sourceIsDone, sourceMayRun, sourceStep } from "../baton/source.ts";
import type { SourceWorld } from "./effects/world.ts";
import type { OutgoingRecord, SourceEffect } from "./record.ts";

/** Pause between two questions to a destination that did not answer, in ms. */
const retryMs = 500;
const journalRetryMs = 1_000;
const latelyMs = 10_000;

interface SourceBatonOptions {
  world: SourceWorld;
  clock: Clock;
  /** Writes the record to the journal. @throws where it cannot: then nothing has happened */
  save: () => void;
  /** An effect failed. The next try starts after this pause, in ms. */
  onFailure: (effect: SourceEffect, error: unknown, pauseMs: number) => void;
  /** The journal could not be written: the container waits as it is until it can. */
  onJournalFailure: (error: unknown) => void;
}

/** Carries out the baton of the source: the journal first, then the effects, each until it holds. */
export class SourceBaton {
  readonly record: OutgoingRecord;
  readonly owed: OwedEffects<SourceEffect>;
  /** Why the destination did not keep the container, as it says. */
  refusal: ErrorReport | null = null;
  /** The destination has said that the container runs there. */
  runsThere = false;
  /** The original was thawed, and no process of it was left. */
  originalEnded = false;
  /** What the destination measured. */
  steps: Step[] = [];
  /** What of the container's state could not be put back there. */
  unrestored: string[] = [];
  criu: CriuRestoreStats | null = null;
  /** See BatonAnswer. */
  entryMs: number | null = null;
  readonly #options: SourceBatonOptions;
  #offer: BatonOffer | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(record: OutgoingRecord, options: SourceBatonOptions) {
    const { world, clock, save, onFailure } = options;
    this.record = record;
    this.#options = options;
    this.owed = new OwedEffects<SourceEffect>({
      owed: record.owed,
      effects: {
        thaw: async () => {
          this.originalEnded = !(await world.thaw());
        },
        "restart-policy": () => world.restoreRestartPolicy(),
        kill: () => world.kill(),
        remove: () => world.remove(),
      },
      after: { remove: ["kill"] },
      ...{ save, clock, onFailure },
    });
  }

  /** Offers the baton of the frozen, dumped container. Resolves with the destination's answer, or where it was lost. */
  async offer(offer: BatonOffer): Promise<void> {
    this.#offer = offer;
    const offered = this.apply({ type: "offer" });
    // Beside the restore: it takes a moment, and nobody knows of the offer before the journal does.
    if (this.record.state.at !== "holds") this.#options.world.protect();
    await offered;
  }

  /**
   * Resolves when every question that follows from the input has its answer, or none came in time. Answers are inputs of their own.
   * Effects go on in the background. @throws what the journal throws; then the input counts for nothing
   */
  async apply(input: SourceInput): Promise<void> {
    const { state, actions } = sourceStep(this.record.state, input);
    // Where the state stays, the journal lists what is still owed; what was done is not done again, to a container that may be in
    // another migration by now.
    const isNew = state !== this.record.state;
    this.#write(state, isNew ? actions.flatMap((action) => this.#effectsOf(action)) : []);
    this.owed.start();
    for (const action of actions) await this.#ask(action);
  }

  /** Applies an input that must not be lost: tries until the journal can be written. */
  async insist(input: SourceInput): Promise<void> {
    const { clock, world, onFailure } = this.#options;
    while (!(await this.#tolerate(this.apply(input)))) {
      // A container that may run here must not wait frozen for room on a disk.
      if (sourceMayRun(this.record.state))
        await world.thaw().catch((error) => onFailure("thaw", error, journalRetryMs));
      await clock.sleep(journalRetryMs);
    }
  }

  /** Asks on until the condition holds, or no answer has come for so many ms. @returns whether it holds */
  async askUntil(condition: () => boolean, silenceMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const begunAt = clock.now();
    while (!condition()) {
      if (clock.now() - Math.max(begunAt, this.#answeredAt) > silenceMs) return false;
      await clock.sleep(retryMs);
      await this.#tolerate(this.apply({ type: "tick" }));
    }
    return true;
  }

  /** Waits until the destination needs nothing more, or has returned the container, or gave no answer for so many ms. */
  async untilComplete(silenceMs: number): Promise<void> {
    const { clock, world } = this.#options;
    let answeredAt = clock.now();
    while (this.record.state.at === "passed" && clock.now() - answeredAt < silenceMs) {
      // Without an answer the next question repeats this one.
      const answer = await world.askCompleted().catch(() => undefined);
      if (!answer) {
        await clock.sleep(retryMs);
        continue;
      }
      answeredAt = clock.now();
      if (!(await this.#tolerate(this.#onAnswer(answer)))) await clock.sleep(journalRetryMs);
    }
  }

  async #onAnswer(answer: BatonAnswer): Promise<void> {
    this.#answeredAt = this.#options.clock.now();
    this.steps = answer.steps;
    this.unrestored = answer.unrestored;
    this.criu = answer.criu;
    this.entryMs = answer.entryMs;
    if (answer.status === "running" && !this.runsThere) {
      this.runsThere = true;
      this.#options.world.resetConnections();
    }
    this.refusal ??= answer.error;
    await this.apply({ type: "status", status: answer.status, complete: answer.complete });
  }

  /** Whether the destination has answered lately. */
  get hearsAnswers(): boolean {
    return this.#options.clock.now() - this.#answeredAt < latelyMs;
  }

  /** Whether the journal need not know this migration any longer. A destination that was never offered anything ends the migration by itself. */
  get isForgettable(): boolean {
    const { state } = this.record;
    return !this.owed.owes() && (sourceIsDone(state) || (state.at === "holds" && state.ended === "cancelled"));
  }

  #write(state: OutgoingRecord["state"], effects: SourceEffect[]): void {
    const before = { state: this.record.state, owed: [...this.record.owed] };
    this.record.state = state;
    this.owed.add(...effects);
    try {
      this.#options.save();
    } catch (error) {
      this.record.state = before.state;
      this.record.owed.splice(0, this.record.owed.length, ...before.owed);
      throw error;
    }
  }

  #effectsOf({ do: action }: SourceAction): SourceEffect[] {
    if (action === "thaw") return this.record.restartPolicy ? ["thaw", "restart-policy"] : ["thaw"];
    if (action === "kill-original") return this.record.keepSource ? ["kill"] : ["kill", "remove"];
    return [];
  }

  async #ask(action: SourceAction): Promise<void> {
    const answer = await this.#answerTo(action);
    // Where the journal cannot take the answer it counts for nothing, and is asked for again.
    if (answer) await this.#tolerate(this.#onAnswer(answer));
  }

  /** @returns whether the journal was written */
  async #tolerate(applied: Promise<void>): Promise<boolean> {
    try {
      await applied;
      return true;
    } catch (error) {
      this.#options.onJournalFailure(error);
      return false;
    }
  }

  /** Undefined where the action asks nothing, or no answer came: `tick` asks again. */
  async #answerTo(action: SourceAction): Promise<BatonAnswer | undefined> {
    const { world } = this.#options;
    const asked = () => {
      if (action.do === "send-offer") return this.#offer && world.offer(this.#offer);
      if (action.do === "ask") return world.askBaton({ revoke: false, forced: false });
      if (action.do === "revoke") return world.askBaton({ revoke: true, forced: action.forced });
      return undefined;
    };
    try {
      return await asked();
    } catch {
      return undefined;
    }
  }
}
