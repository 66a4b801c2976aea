import { EventEmitter, once } from "node:events";
import { type ErrorReport, errorReport } from "../../contract/errors.ts";
import type { BatonOffer, BatonStatus } from "../../contract/peer/messages.ts";
import { type DestinationInput, type DestinationState, destinationStep, statusOf } from "../baton/destination.ts";
import { type Clock, OwedEffects } from "../baton/owed-effects.ts";
import type { DestinationWorld, RestoredContainer } from "./effects/world.ts";
import type { DestinationEffect, IncomingRecord } from "./record.ts";

const journalRetryMs = 1_000;
const lookAgainMs = 500;

interface DestinationBatonOptions {
  world: DestinationWorld;
  clock: Clock;
  /** Writes the record to the journal. @throws where it cannot: then nothing has happened */
  save: () => void;
  /** An effect failed. The next try starts after this pause, in ms. */
  onFailure: (effect: DestinationEffect, error: unknown, pauseMs: number) => void;
  /** Called when something is tried again and no operation shows that. */
  onTrouble: (error: unknown, what: string) => void;
  /** Called when the container runs, and again when it has all of its memory; what these reject with is logged by the caller. */
  onRunning?: () => Promise<void>;
  onDrained?: () => Promise<void>;
}

/** Carries out the baton of the destination: the journal first, then the effects, each until it holds. */
export class DestinationBaton {
  readonly record: IncomingRecord;
  readonly owed: OwedEffects<DestinationEffect>;
  /** Why the container was refused or returned. */
  error: ErrorReport | null = null;
  readonly #options: DestinationBatonOptions;
  readonly #changes = new EventEmitter();
  /** Dropped once the restore has it: its images are large. */
  #offer: BatonOffer | undefined;

  constructor(record: IncomingRecord, options: DestinationBatonOptions) {
    const { world, clock, save, onFailure } = options;
    this.record = record;
    this.#options = options;
    this.#changes.setMaxListeners(0);
    this.owed = new OwedEffects<DestinationEffect>({
      owed: record.owed,
      effects: {
        release: () => world.release(),
        "restart-policy": () => world.restoreRestartPolicy(),
        "free-room": () => world.freeRoom(),
        kill: async () => {
          await world.kill(this.error?.message ?? "the container goes back to its source");
          this.apply({ type: "copy-dead" });
        },
        discard: () => world.discard(),
      },
      after: { "restart-policy": ["release"], discard: ["kill"] },
      save: () => {
        save();
        this.#changes.emit("change");
      },
      ...{ onFailure, clock },
    });
  }

  get status(): BatonStatus {
    return statusOf(this.record.state);
  }

  /** Nothing more is needed from the source, and the container will stay. */
  get isComplete(): boolean {
    const { state } = this.record;
    return state.at === "running" && state.complete && !state.killing;
  }

  /** The first error is the one that is told. */
  note(error: unknown): void {
    this.error ??= errorReport(error);
  }

  /** Takes the baton. */
  offer(offer: BatonOffer): void {
    if (this.record.state.at === "waiting") this.#offer = offer;
    this.apply({ type: "offer" });
  }

  /** @throws what the journal throws; then the input counts for nothing */
  apply(input: DestinationInput): void {
    const { state, actions } = destinationStep(this.record.state, input);
    const kinds = actions.map((action) => action.do);
    if (state) this.#write(state, this.#effectsOf(input, state, kinds));
    this.owed.start();
    if (kinds.includes("restore")) this.#inBackground(this.#restore());
    this.#changes.emit("change");
  }

  /** After a restart of the agent. Nothing else may be applied before it resolves. */
  async resume(): Promise<void> {
    const verified = this.record.state.at === "taken" && (await this.#wasRestored());
    await this.insist({ type: "restarted", verified, complete: false });
    const { state } = this.record;
    if (state.at !== "running" || state.killing || state.complete) return;
    this.#inBackground(this.#drain(this.#options.world.drainAgain()));
  }

  /** "Could not look" is not "is not there": it is looked for until that is known. */
  async #wasRestored(): Promise<boolean> {
    for (;;) {
      try {
        return await this.#options.world.wasRestored();
      } catch (error) {
        this.#options.onTrouble(error, "it is not known yet whether a container was restored");
        await this.#options.clock.sleep(lookAgainMs);
      }
    }
  }

  /** Resolves when the condition holds; it is looked at after every change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#changes, "change");
  }

  #write(state: DestinationState, effects: DestinationEffect[]): void {
    const before = { state: this.record.state, owed: [...this.record.owed] };
    this.record.state = state;
    this.owed.add(...effects);
    // Nobody needs these of a copy that is ended.
    if (effects.includes("kill")) this.owed.drop("release", "restart-policy", "free-room");
    try {
      this.#options.save();
    } catch (error) {
      this.record.state = before.state;
      this.record.owed.splice(0, this.record.owed.length, ...before.owed);
      throw error;
    }
  }

  #effectsOf(input: DestinationInput, state: DestinationState, actions: string[]): DestinationEffect[] {
    if (actions.includes("kill-copy")) return ["kill"];
    if (actions.includes("discard")) return ["discard"];
    const runs = state.at === "running" && !state.killing;
    if (runs && this.record.state.at === "taken") return ["release"];
    if (runs && state.complete && input.type === "drained") return ["restart-policy", "free-room"];
    return [];
  }

  async #restore(): Promise<void> {
    const offer = this.#offer;
    this.#offer = undefined;
    let restored: RestoredContainer;
    try {
      if (!offer) throw new Error("the baton was taken without an offer");
      restored = await this.#options.world.restore(offer);
    } catch (error) {
      this.note(error);
      await this.insist({ type: "restore-failed" });
      return;
    }
    await this.insist({ type: "restored", complete: false });
    await this.#options.onRunning?.();
    await this.#drain(restored);
  }

  async #drain({ drained }: RestoredContainer): Promise<void> {
    try {
      await drained;
    } catch (error) {
      this.note(error);
      await this.insist({ type: "drain-failed" });
      return;
    }
    await this.#options.onDrained?.();
    await this.insist({ type: "drained" });
  }

  /** For what is true whether or not the journal can be written: it is applied as soon as the journal can. */
  async insist(input: DestinationInput): Promise<void> {
    for (;;) {
      try {
        return this.apply(input);
      } catch (error) {
        this.#options.onTrouble(error, "the journal cannot be written");
        await this.#options.clock.sleep(journalRetryMs);
      }
    }
  }

  #inBackground(work: Promise<void>): void {
    // Its steps handle what they reject with: the rest is a bug of godwit.
    work.catch((error) => {
      this.note(error);
      this.#options.onTrouble(error, "a restore ended with a bug");
    });
  }
}
