import { EventEmitter, once } from "node:events";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorReport, errorReport, GodwitError } from "../../contract/errors.ts";
import type { BatonAnswer, BatonOffer, CriuRestoreStats } from "../../contract/migration.ts";
import type { Step } from "../../contract/operations.ts";
import { readRestoreStats } from "../../host/criu/images/stats.ts";
import { enteredAt } from "../../host/criu/restore/lazy-pages.ts";
import type { Host } from "../../host/host.ts";
import { workFolderOf } from "../../host/restore/image-space.ts";
import type { Journal } from "../../journal/journal.ts";
import {
  type DestinationAction,
  type DestinationInput,
  destinationMayRun,
  destinationStep,
  destinationWord,
} from "../baton/destination.ts";
import { type ArrivalRecord, arrivalKind } from "./record.ts";
import { ArrivalWork } from "./work.ts";

/** A source that says nothing for so long has gone, and has not offered the baton. */
const patienceMs = 120_000;
/** A request that waits longer may wait on a connection that is long dead. */
const askAgainMs = 10_000;
const killAgainMs = 1000;
/** What is being made takes no longer, unless Docker hangs. */
const makingMs = 30_000;
/** So long a source that takes its migration back waits to hear that nothing is left of it. */
const discardingMs = 4_000;

/** One migration on its destination: the baton's machine, with the journal below it and the work beside it. */
export class Arrival {
  readonly record: ArrivalRecord;
  readonly work: ArrivalWork;
  readonly #journal: Journal;
  readonly #changes = new EventEmitter();
  readonly #steps: Step[] = [];
  readonly #begun = performance.now();
  #offer: BatonOffer | undefined;
  #error: ErrorReport | null = null;
  #criu: CriuRestoreStats | null = null;
  /** When the source could be told that it runs, in ns of CLOCK_MONOTONIC. */
  #ranAt: bigint | undefined;
  #entryMs: number | null = null;
  #patience: NodeJS.Timeout | undefined;
  #discarded = false;
  /** Nothing of its memory images is left here. */
  #tidy = false;
  readonly #making = new Set<Promise<unknown>>();

  constructor(host: Host, journal: Journal, record: ArrivalRecord) {
    this.record = record;
    this.#journal = journal;
    this.#changes.setMaxListeners(0);
    this.work = new ArrivalWork(host, record, () => this.#save());
  }

  /** Every word of the source; while it speaks, the arrival waits for it. */
  heard(): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#error ??= errorReport(
        new GodwitError("agent-unreachable", `Nothing was heard from ${this.record.offer.source} any more.`),
      );
      this.apply({ type: "refuse" });
    }, patienceMs).unref();
  }

  /** The journal is written before anything follows from the input. */
  apply(input: DestinationInput): void {
    const { state, actions } = destinationStep(this.record.state, input);
    if (state) {
      this.record.state = state;
      this.#save();
    }
    for (const action of actions) this.#act(action);
    this.#changes.emit("change");
  }

  /** Takes the baton, and answers when the container runs or is returned. */
  async offered(offer: BatonOffer): Promise<BatonAnswer> {
    this.#offer = offer;
    this.apply({ type: "offer" });
    await this.#until(() => this.record.state.at !== "taken");
    return this.answer();
  }

  /** Answers when nothing is needed from the source any more, or the container was returned, or after a while without either. */
  async completed(): Promise<BatonAnswer> {
    const settled = this.#until(() => (this.answer().complete && this.#tidy) || !destinationMayRun(this.record.state));
    await Promise.race([settled, sleep(askAgainMs, undefined, { ref: false })]);
    return this.answer();
  }

  /** See ArrivalWork. The source only sees the connection break, and asks why. */
  async takePages(connection: Duplex): Promise<void> {
    try {
      await this.work.takePages(connection);
    } catch (error) {
      if (error instanceof GodwitError) this.#error ??= errorReport(error);
      throw error;
    }
  }

  async revoked(forced: boolean): Promise<BatonAnswer> {
    this.apply({ type: "revoke", forced });
    await this.#until(() => !this.#isKilling());
    const gone = this.#until(() => this.#discarded || this.answer().word !== "refused");
    await Promise.race([gone, sleep(discardingMs, undefined, { ref: false })]);
    return this.answer();
  }

  answer(): BatonAnswer {
    const { state } = this.record;
    return {
      word: destinationWord(state),
      complete: state.at === "running" && state.complete && !state.killing,
      steps: this.#steps,
      criu: this.#criu,
      entryMs: this.#entryMs,
      error: this.#error,
    };
  }

  /** Settles when nothing is left to be done here: the container has arrived whole, or nothing of it is left. */
  async ended(): Promise<void> {
    await this.#until(() => (this.answer().complete && this.#tidy) || this.#discarded);
    clearTimeout(this.#patience);
    if (this.#error)
      throw new GodwitError(this.#error.code, this.#error.message, { details: this.#error.details ?? [] });
  }

  /** After a restart of the agent. */
  async resume(): Promise<void> {
    const verified = this.work.wasRestored();
    this.apply({ type: "restarted", verified, complete: false });
    if (this.record.state.at !== "running" || this.record.state.killing) return;
    await this.work.release();
    // Whoever starts the agent sweeps the room of those that are complete.
    this.#tidy = this.record.state.complete;
    if (!this.record.state.complete) this.#drain(this.work.goOnDraining());
  }

  /** A step that makes something here. Where the migration is given up meanwhile, what was made goes after it. @throws cancelled */
  async make<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { state, offer } = this.record;
    if (state.at !== "waiting")
      throw new GodwitError("cancelled", `The migration '${offer.migration}' was taken back by its source.`);
    const made = this.step(name, false, work);
    const settled = made.catch(() => {});
    this.#making.add(settled);
    settled.finally(() => this.#making.delete(settled));
    return made;
  }

  async step<T>(name: string, switchover: boolean, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      this.#steps.push({
        name,
        side: "destination",
        at: round(begun - this.#begun),
        ms: round(performance.now() - begun),
        switchover,
      });
    }
  }

  #act(action: DestinationAction): void {
    if (action.do === "restore") this.#restore();
    if (action.do === "kill-copy") this.#kill();
    if (action.do === "discard") this.#discard();
  }

  async #restore(): Promise<void> {
    const offer = this.#offer;
    try {
      if (!offer) throw new GodwitError("usage", "The offer came without its images.");
      const running = await this.step("restore", true, () =>
        this.work.restore(offer, (name, work) => this.step(name, true, work)),
      );
      this.#ranAt = process.hrtime.bigint();
      this.apply({ type: "restored", complete: false });
      await this.work.release();
      this.#criu = await readRestoreStats(workFolderOf(this.record.offer.migration));
      await this.step("drain", false, () => this.#drain(running.drained));
    } catch (error) {
      this.#error ??= errorReport(error);
      this.apply({ type: "restore-failed" });
    }
  }

  async #drain(drained: Promise<void>): Promise<void> {
    try {
      await drained;
    } catch (error) {
      this.#error ??= errorReport(error);
      this.apply({ type: "drain-failed" });
      return;
    }
    const entered = await enteredAt(workFolderOf(this.record.offer.migration));
    if (entered && this.#ranAt) this.#entryMs = Number(entered - this.#ranAt) / 1e6;
    // The container is whole and runs; what fails now is told by the operation, and is no reason to kill it.
    await this.work.complete().catch((error) => {
      this.#error ??= errorReport(error);
    });
    this.apply({ type: "drained" });
    await this.work.giveRoomBack().catch((error) => {
      this.#error ??= errorReport(error);
    });
    this.#tidy = true;
    this.#changes.emit("change");
  }

  async #kill(): Promise<void> {
    const why = this.#error?.message ?? "the container goes back to its source";
    // The word that it is dead must be true: where Docker does not answer, it is tried until it does.
    for (;;) {
      try {
        await this.work.kill(why);
        break;
      } catch (error) {
        this.#error ??= errorReport(error);
        await sleep(killAgainMs);
      }
    }
    this.apply({ type: "copy-dead" });
  }

  async #discard(): Promise<void> {
    await Promise.race([Promise.all(this.#making), sleep(makingMs, undefined, { ref: false })]);
    await this.work.discard().catch((error) => {
      this.#error ??= errorReport(error);
    });
    this.#discarded = true;
    this.#changes.emit("change");
  }

  #isKilling(): boolean {
    return destinationMayRun(this.record.state) && this.record.state.killing;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#changes, "change");
  }

  #save(): void {
    this.#journal.putRecord(arrivalKind, this.record.offer.migration, this.record);
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
