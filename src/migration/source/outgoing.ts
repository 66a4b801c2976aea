import { modes } from "../../checks/modes.ts";
import type { GodwitError } from "../../contract/errors.ts";
import type { MigrateRequest } from "../../contract/migration.ts";
import { migrationProtocol } from "../../contract/peer/protocol.ts";
import { isFrozen } from "../../host/cgroup/freezer.ts";
import { containerName } from "../../host/container/facts.ts";
import { endDumps } from "../../host/criu/dump/end-dumps.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { Host } from "../../host/host.ts";
import { findRuncContainer } from "../../host/runtime/runc.ts";
import type { Journal } from "../../journal/journal.ts";
import { FrozenMemory } from "../../memory/frozen-memory.ts";
import type { Log } from "../../operations/log.ts";
import type { Peer } from "../../transport/peer.ts";
import { callPeer, streamToPeer } from "../../transport/peer-calls.ts";
import { RateLimit } from "../../transport/streams/rate-limit.ts";
import { realClock } from "../baton/owed-effects.ts";
import { sourceIsDone, sourceMayRun, sourceStart } from "../baton/source.ts";
import { SourceBaton } from "./baton.ts";
import { askDestination } from "./effects/ask-destination.ts";
import { thawAndEnd } from "./effects/thaw-and-end.ts";
import { unresolved, whyItStays } from "./reasons.ts";
import { type OutgoingRecord, outgoingKind, type SourceEffect } from "./record.ts";
import { MemoryServer } from "./transfer/memory-server.ts";

const reportAgainMs = 1000;
const serveAgainMs = 2000;

interface OutgoingDeps {
  host: Host;
  journal: Journal;
  /** Throws for a host that is not configured any more. */
  peer: () => Peer;
  log: Log;
  /** Asks the destination on, in the background, until the migration is settled. */
  askOn: (migration: OutgoingMigration) => void;
}

/** One migration on its source: the only home of what is known about it. */
export class OutgoingMigration {
  readonly record: OutgoingRecord;
  readonly deps: OutgoingDeps;
  readonly baton: SourceBaton;
  /** In post-copy: serves the memory of the frozen original. */
  readonly memory = new MemoryServer();
  /** Tells the user of the operation, while there is one, what it waits for. */
  onWaiting: (message: string) => void = () => {};

  constructor(record: OutgoingRecord, deps: OutgoingDeps) {
    const { journal, log } = deps;
    this.record = record;
    this.deps = deps;
    this.baton = new SourceBaton(record, {
      world: {
        ...thawAndEnd(record, { ...deps, memory: this.memory }),
        ...askDestination(deps.peer, record.migration),
      },
      clock: realClock,
      save: () => journal.putRecord(outgoingKind, record.migration, record),
      onFailure: (effect, error, pauseMs) => {
        const { container, migration } = record;
        log.warn({ err: error, effect, migration }, "an effect failed, and is tried again");
        const why = error instanceof Error ? error.message : String(error);
        this.#tell(`Cannot ${whatItDoes[effect]} '${container}' yet: ${why} Trying again in ${pauseMs / 1000} s.`);
      },
      onJournalFailure: (error) => {
        log.error({ err: error, migration: record.migration }, "the journal cannot be written");
        this.#tell(`The journal cannot be written: ${(error as Error).message}. Make room on this host.`);
      },
    });
  }

  save(): void {
    this.deps.journal.putRecord(outgoingKind, this.record.migration, this.record);
  }

  /** Nothing may depend on it: the journal of events can be full as well. */
  #tell(message: string): void {
    try {
      this.onWaiting(message);
    } catch (error) {
      this.deps.log.warn({ err: error, migration: this.record.migration }, message);
    }
  }

  /** Removes it from the journal where nothing is left to do. */
  forget(): void {
    if (this.baton.isForgettable) this.deps.journal.deleteRecord(outgoingKind, this.record.migration);
  }

  /** Serves the memory of the frozen original, in the background. */
  serveMemory(frozen: FrozenMemory): void {
    this.memory
      .serve(frozen)
      .then(() => this.#untilLossIsKnown())
      .catch((error) => this.deps.log.error({ err: error }, "the memory of a frozen container is not served any more"));
  }

  /** After a restart, in the background: tries until it is known whether the memory can be served, or nobody needs it any more. */
  async serveMemoryOnceKnown(isOver: () => boolean): Promise<void> {
    for (;;) {
      try {
        await this.serveMemoryAgain();
        return await this.reportMemoryLost();
      } catch (error) {
        this.deps.log.warn({ err: error, migration: this.record.migration }, "memory is not served again yet");
        await realClock.sleep(serveAgainMs);
        if (isOver() || this.isSettled) return;
      }
    }
  }

  /** After a restart in post-copy: goes on serving memory, for a destination that may run the container. */
  async serveMemoryAgain(): Promise<void> {
    const { state, mode, containerId, migration } = this.record;
    if (!modes[mode].followsAfterResume || (state.at !== "passed" && state.at !== "offered")) return;
    const running = await findRuncContainer(containerId);
    if (running) await endDumps(running.id);
    // A container that runs no longer has the memory that was dumped.
    if (!running || !(await isFrozen(running))) {
      this.memory.owesLoss = true;
      return;
    }
    const open = async () => streamToPeer(this.deps.peer(), migrationProtocol.pages, { migration });
    this.memory.resume({ open, rate: new RateLimit(null) });
    this.serveMemory(await FrozenMemory.open(running));
  }

  /** The link may be cut at the moment of the loss. */
  async #untilLossIsKnown(): Promise<void> {
    const mayNeedIt = () => ["offered", "passed"].includes(this.record.state.at);
    while (this.memory.owesLoss && mayNeedIt()) {
      await this.reportMemoryLost();
      if (this.memory.owesLoss) await realClock.sleep(reportAgainMs);
    }
  }

  /** What waits for a page that will never come must not wait for ever. Harmless where nothing is lost. */
  async reportMemoryLost(): Promise<void> {
    if (!this.memory.owesLoss) return;
    try {
      await callPeer(this.deps.peer(), migrationProtocol.memoryLost, { migration: this.record.migration }, {});
      this.memory.owesLoss = false;
    } catch (error) {
      this.deps.log.warn(
        { err: error, migration: this.record.migration },
        "the destination does not know of lost memory",
      );
    }
  }

  /** Nothing is left to ask, to tell or to do. */
  get isSettled(): boolean {
    return sourceIsDone(this.record.state) && !this.baton.owed.owes();
  }

  /** The original must not run or be started by anybody: it waits frozen, or still has to be ended. */
  get holdsOriginal(): boolean {
    return !this.isSettled && (!sourceMayRun(this.record.state) || this.baton.owed.owes("thaw"));
  }

  /** Why the container stays here, for its user. */
  reason(): GodwitError {
    return whyItStays(this.record, this.deps.host.name, this.baton);
  }

  /** What to tell a user whose container waits here. */
  unresolved(): GodwitError {
    return unresolved(this.record, this.baton.hearsAnswers);
  }
}

const whatItDoes: Record<SourceEffect, string> = {
  thaw: "thaw",
  "restart-policy": "give the restart policy back to",
  kill: "end the original of",
  remove: "remove the original of",
};

/** The record of a migration that begins. */
export function newRecord(
  migration: string,
  container: ContainerInspect,
  { destination, keepSource }: MigrateRequest,
): OutgoingRecord {
  return {
    migration,
    container: containerName(container),
    containerId: container.Id,
    destination,
    state: sourceStart,
    owed: [],
    mode: modes.cold.name,
    keepSource,
    keepConnections: true,
    mayBeFrozen: false,
    restartPolicy: null,
    volumes: [],
    startedAt: new Date().toISOString(),
    result: null,
  };
}
