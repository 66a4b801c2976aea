import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import type { CriuRestoreStats } from "../../contract/migration.ts";
import type { Step } from "../../contract/operations.ts";
import type { BatonAnswer, BatonOffer } from "../../contract/peer/messages.ts";
import { readRestoreStats } from "../../host/criu/images/stats.ts";
import { enteredAt } from "../../host/criu/restore/lazy-pages.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { Host } from "../../host/host.ts";
import type { ArmedContainer } from "../../host/restore/arm.ts";
import { type ImageSpace, workFolderOf } from "../../host/restore/image-space.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Log } from "../../operations/log.ts";
import type { Tickets } from "../../transport/tickets.ts";
import { destinationMayRun } from "../baton/destination.ts";
import { realClock } from "../baton/owed-effects.ts";
import { DestinationBaton } from "./baton.ts";
import type { DestinationWorld } from "./effects/world.ts";
import { IncomingMemory } from "./memory/incoming-memory.ts";
import { type DestinationEffect, type IncomingRecord, incomingKind } from "./record.ts";

/** A source that gives no sign for so long is gone, and has not offered the baton. */
const patienceMs = 120_000;
/** A request that waits longer may wait on a connection that is long dead. */
const askAgainMs = 10_000;
/** How long a source that takes its migration back waits until nothing is left of it here. */
const discardingMs = 4_000;

export interface IncomingDeps {
  host: Host;
  journal: Journal;
  tickets: Tickets;
  log: Log;
}

/** One migration on its destination: the only home of what is known about it. */
export class IncomingMigration {
  readonly record: IncomingRecord;
  readonly deps: IncomingDeps;
  readonly baton: DestinationBaton;
  readonly memory: IncomingMemory;
  /** Tells the user of the operation, while there is one, what it waits for. */
  onWaiting: (message: string) => void = () => {};
  /** prepare: the init of Docker's that the container was run with (`--init`), kept here. */
  init: string | undefined;
  /** prepare: read once, because Docker does not answer about a container while it starts it. */
  inspect: ContainerInspect | undefined;
  /** prepare: folders of the trees, by their number in the request. */
  readonly trees = new Map<number, string>();
  /** After a restart of the agent: settles when the baton has its place again. Nothing may be asked of it before. */
  resumed: Promise<void> = Promise.resolve();
  #space: ImageSpace | undefined;
  #armed: ArmedContainer | undefined;
  /** switchover: ends a copy whose memory will not come. */
  abandon: (() => void) | undefined;
  /** switchover: what of the container's state could not be put back. */
  unrestored: string[] = [];
  readonly #steps: Step[] = [];
  readonly #begun = performance.now();
  readonly #making = new Set<Promise<unknown>>();
  #criu: CriuRestoreStats | null = null;
  /** When the source could be told that the container runs, in ns of CLOCK_MONOTONIC. */
  #ranAt: bigint | undefined;
  #entryMs: number | null = null;
  #patience: NodeJS.Timeout | undefined;

  constructor(record: IncomingRecord, deps: IncomingDeps, worldOf: (migration: IncomingMigration) => DestinationWorld) {
    this.record = record;
    this.deps = deps;
    this.memory = new IncomingMemory(deps.host);
    const migration = record.request.migration;
    const logged = (what: string) => (error: unknown) => deps.log.warn({ err: error, migration }, what);
    this.baton = new DestinationBaton(record, {
      world: worldOf(this),
      clock: realClock,
      save: () => this.save(),
      onFailure: (effect, error, pauseMs) => {
        deps.log.warn({ err: error, effect, migration }, "an effect failed, and is tried again");
        const why = error instanceof Error ? error.message : String(error);
        this.#tell(`Cannot ${whatItDoes[effect]} yet: ${why} Trying again in ${pauseMs / 1000} s.`);
      },
      onTrouble: (error, what) => deps.log.warn({ err: error, migration }, what),
      onRunning: () => this.#noteRunning().catch(logged("CRIU's statistics could not be read")),
      onDrained: () => this.#noteDrained().catch(logged("the time of the first pages could not be read")),
    });
  }

  /** Nothing may depend on it: the journal of events can be full as well. */
  #tell(message: string): void {
    try {
      this.onWaiting(message);
    } catch (error) {
      this.deps.log.warn({ err: error, migration: this.migration }, message);
    }
  }

  get migration(): string {
    return this.record.request.migration;
  }

  save(): void {
    this.deps.journal.putRecord(incomingKind, this.migration, this.record);
  }

  /** A sign of the source: the destination waits for it. */
  onSign(): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      // Later the baton decides, however long the source gives no sign.
      if (this.record.state.at !== "waiting") return;
      const { source } = this.record.request;
      this.baton.note(new GodwitError("agent-unreachable", `${source} gave no sign for ${patienceMs / 1000} s.`));
      this.refuse();
    }, patienceMs).unref();
  }

  /** Too late once the baton was taken. */
  refuse(): void {
    this.baton
      .insist({ type: "refuse" })
      .catch((error) => this.deps.log.error({ err: error, migration: this.migration }, "a migration was not refused"));
  }

  /** Takes the baton, and answers when the container runs or is returned. */
  async takeBaton(offer: BatonOffer): Promise<BatonAnswer> {
    this.baton.offer(offer);
    await this.baton.until(() => this.record.state.at !== "taken");
    return this.answer();
  }

  /** Answers when nothing more is needed from the source, or the container was returned, or after a while without either. */
  async completed(): Promise<BatonAnswer> {
    const settled = this.baton.until(() => this.#isWhole() || !destinationMayRun(this.record.state));
    await Promise.race([settled, sleep(askAgainMs, undefined, { ref: false })]);
    return this.answer();
  }

  async revoke(forced: boolean): Promise<BatonAnswer> {
    this.baton.apply({ type: "revoke", forced });
    await this.baton.until(() => !(destinationMayRun(this.record.state) && this.record.state.killing));
    const gone = this.baton.until(() => !this.baton.owed.owes("discard") || this.baton.status !== "refused");
    await Promise.race([gone, sleep(discardingMs, undefined, { ref: false })]);
    return this.answer();
  }

  answer(): BatonAnswer {
    const { status, isComplete: complete, error } = this.baton;
    return {
      status,
      complete,
      steps: this.#steps,
      criu: this.#criu,
      entryMs: this.#entryMs,
      unrestored: this.unrestored,
      error,
    };
  }

  /** Settles when nothing is left to do here: the container has arrived whole, or nothing of it is left. */
  async ended(): Promise<void> {
    const isGone = () => ["refused", "returned"].includes(this.baton.status) && !this.baton.owed.owes();
    await this.baton.until(() => this.#isWhole() || isGone());
    clearTimeout(this.#patience);
    const { error } = this.baton;
    if (error) throw new GodwitError(error.code, error.message, { details: error.details ?? [] });
    const { container, source } = this.record.request;
    if (isGone()) throw new GodwitError("cancelled", `${source} took '${container.name}' back.`);
  }

  /** A step that makes something here. If the migration is given up meanwhile, what it made goes after it. @throws cancelled */
  async make<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.record.state.at !== "waiting")
      throw new GodwitError("cancelled", `The source took the migration '${this.migration}' back.`);
    const made = this.step(name, false, work);
    // Whoever asked for it learns why it failed.
    const settled = made.catch(() => {});
    this.#making.add(settled);
    settled.finally(() => this.#making.delete(settled));
    return made;
  }

  /** Settles when no step makes anything here any more. */
  async made(): Promise<void> {
    await Promise.all(this.#making);
  }

  async step<T>(name: string, switchover: boolean, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      const [at, ms] = [round(begun - this.#begun), round(performance.now() - begun)];
      this.#steps.push({ name, side: "destination", at, ms, switchover });
    }
  }

  get hasArmed(): boolean {
    return this.#armed !== undefined;
  }

  /** @throws usage where the source has left a step out */
  get armed(): ArmedContainer {
    if (this.#armed) return this.#armed;
    throw new GodwitError("usage", "This migration is not armed.");
  }

  set armed(armed: ArmedContainer) {
    this.#armed = armed;
  }

  get createdId(): string {
    if (this.record.created) return this.record.created;
    throw new GodwitError("usage", "The container of this migration is not created yet.");
  }

  get space(): ImageSpace {
    if (this.#space) return this.#space;
    throw new GodwitError("usage", "This migration has no room for images yet.");
  }

  set space(space: ImageSpace) {
    this.#space = space;
  }

  /** The container is complete, and its memory images are gone. */
  #isWhole(): boolean {
    return this.baton.isComplete && !this.baton.owed.owes();
  }

  async #noteRunning(): Promise<void> {
    this.#ranAt = process.hrtime.bigint();
    this.#criu = await readRestoreStats(workFolderOf(this.migration));
  }

  async #noteDrained(): Promise<void> {
    const entered = await enteredAt(workFolderOf(this.migration));
    if (entered && this.#ranAt) this.#entryMs = Number(entered - this.#ranAt) / 1e6;
  }
}

const whatItDoes: Record<DestinationEffect, string> = {
  release: "release the restored container",
  "restart-policy": "give the container its restart policy",
  "free-room": "release the room of its memory images",
  kill: "end the copy",
  discard: "remove what was made here",
};

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
