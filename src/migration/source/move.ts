import { type MigrationMode, modes } from "../../checks/modes.ts";
import type { CriuDumpStats, MigrateRequest, MigrationResult, PlainMode } from "../../contract/migration.ts";
import { migrationProtocol } from "../../contract/peer/protocol.ts";
import type { LogMark } from "../../host/container/logs/logs.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { Host } from "../../host/host.ts";
import type { ContainerProcess } from "../../host/proc/processes.ts";
import type { ImageSpace } from "../../host/restore/image-space.ts";
import type { RuncContainer } from "../../host/runtime/runc.ts";
import type { Round, SentRound } from "../../memory/rounds/memory-sender.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { Peer } from "../../transport/peer.ts";
import { callPeer } from "../../transport/peer-calls.ts";
import type { ByteCounter } from "../../transport/streams/streams.ts";
import { ExitWatch } from "./effects/exit-watch.ts";
import { Heartbeat } from "./effects/heartbeat.ts";
import type { OutgoingMigration } from "./outgoing.ts";
import type { Checked } from "./preflight/check-migration.ts";
import type { OutgoingRecord } from "./record.ts";
import type { MigrationControls } from "./transfer/controls.ts";
import type { FileTransfer } from "./transfer/files/send-tree.ts";
import { ProgressMeter } from "./transfer/progress/progress.ts";
import { ProgressReports } from "./transfer/progress/reports.ts";

/** What the rounds of memory leave to the switchover. */
export interface RoundsOutcome {
  /** Whether the memory that is left follows after the resume. */
  restFollows: boolean;
  /** What is left to send, in bytes, and how long that is expected to take, in ms. */
  leftBytes: number;
  sendingMs: number;
}

/** How the memory of a container is sent in rounds. */
export interface MemoryRounds {
  /**
   * Sends a round while the container runs: what has changed since the one before. `counter` counts its bytes on the wire.
   * @returns how many bytes of memory it had
   */
  send(counter: ByteCounter): Promise<number>;
  /** Bytes that were written to since the last round. */
  left(): Promise<number>;
  /** Before the first round, which does it otherwise. */
  connect(): Promise<void>;
  /** The last round, under the freeze. */
  sendLast(round: Round, processes: readonly ContainerProcess[]): SentRound;
  /**
   * Right before the freeze, when all else is ready: while each round leaves much less than the one before, what is written meanwhile
   * gets less.
   */
  beforeFreeze(): Promise<void>;
}

/** A migration while its operation runs: what its phases know beside the record, each set by the phase that is named. */
export class Move {
  readonly migration: OutgoingMigration;
  readonly begunAt = performance.now();
  readonly counter: ByteCounter = { sent: 0, received: 0 };
  readonly reports: ProgressReports;
  readonly watch: ExitWatch;
  readonly heartbeat: Heartbeat;
  /** Released when the operation has ended, however it ended. */
  readonly undo = new AsyncDisposableStack();
  /** Aborts when the user cancels, or the destination does not answer any more. */
  readonly stop: AbortSignal;
  /** Aborts as well when the container ends by itself. */
  readonly signal: AbortSignal;
  readonly container: ContainerInspect;
  readonly request: MigrateRequest;
  readonly context: OperationContext;
  readonly controls: MigrationControls;
  /** Where it is, for messages. */
  phase = "preflight";
  /** preflight */
  checked!: Checked;
  files!: FileTransfer;
  /** prepare */
  running!: RuncContainer;
  /** Room in this host's memory for CRIU's small images: nothing goes to disk. */
  space!: ImageSpace;
  dockerRoot!: string;
  /** Of the container on the destination. */
  createdId!: string;
  /** sync; undefined where private memory does not go in rounds while the container runs. */
  rounds: RoundsOutcome | undefined;
  /** sync, or switchover; undefined where no memory goes before the resume, or all of it in CRIU's images. */
  memory: MemoryRounds | undefined;
  /** arm: how far the log was sent. */
  logMark: LogMark | undefined;
  setupMs = 0;
  /** switchover: see MigrationResult */
  verifiedBytes: number | null = null;
  /** switchover: when the freeze was ordered, in ms of performance.now(). */
  frozenAt = 0;
  /** switchover: how long the files took after the dump had ended, in ms. */
  filesMs = 0;
  /** run */
  downtimeMs = 0;

  constructor(asked: {
    migration: OutgoingMigration;
    container: ContainerInspect;
    request: MigrateRequest;
    context: OperationContext;
    controls: MigrationControls;
  }) {
    this.migration = asked.migration;
    this.migration.onWaiting = (message) => this.context.phase(this.phase, message);
    this.container = asked.container;
    this.request = asked.request;
    this.context = asked.context;
    this.controls = asked.controls;
    this.reports = new ProgressReports(new ProgressMeter(this.begunAt), asked.context, this.counter);
    this.watch = this.undo.use(new ExitWatch(this.host.engine, asked.container));
    this.heartbeat = this.undo.use(this.#heartbeat());
    this.stop = AbortSignal.any([asked.context.signal, this.heartbeat.signal]);
    this.signal = AbortSignal.any([this.stop, this.watch.signal]);
  }

  get host(): Host {
    return this.migration.deps.host;
  }

  get peer(): Peer {
    return this.migration.deps.peer();
  }

  get record(): OutgoingRecord {
    return this.migration.record;
  }

  get mode(): MigrationMode {
    return modes[this.record.mode];
  }

  /** The mode that it has come to: pre-copy may go on as post-copy. */
  become(mode: PlainMode): void {
    this.context.about({ mode });
    this.record.mode = mode;
    this.migration.save();
  }

  /** Whether all private memory goes before the resume, in rounds or in the last one alone. So it does where pre-copy became post-copy. */
  get sendsAllPrivate(): boolean {
    return !modes[this.checked.plan.mode].followsAfterResume;
  }

  /** Whether some private memory goes before the resume: all of it, or the pages that processes share. */
  get sendsPrivate(): boolean {
    return this.sendsAllPrivate || this.checked.keepsSharing;
  }

  /** A container with a terminal is armed under the freeze: its log must be whole before Docker opens it on the destination. */
  get hasTerminal(): boolean {
    return this.container.Config.Tty ?? false;
  }

  /** As it is known by now. `dump`: what CRIU measured. */
  result(dump: CriuDumpStats | null): MigrationResult {
    const { baton } = this.migration;
    return {
      migration: this.record.migration,
      container: this.checked.plan.container,
      source: this.host.name,
      destination: this.peer.name,
      mode: this.record.mode,
      id: this.createdId,
      // What its processes waited for after the resume is known when all memory is there.
      downtimeMs: Math.round(this.downtimeMs + (baton.entryMs ?? 0)),
      totalMs: Math.round(performance.now() - this.begunAt),
      setupMs: Math.round(this.setupMs),
      wireBytes: this.counter.sent + this.counter.received,
      memoryBytes: this.checked.plan.memoryBytes,
      verifiedBytes: this.verifiedBytes,
      steps: [...this.context.steps],
      criu: { dump, restore: baton.criu },
      warnings: [...this.context.warnings],
    };
  }

  #heartbeat(): Heartbeat {
    const { migration, container, destination } = this.record;
    const question = { revoke: false, forced: false };
    const ask = (timeoutMs: number) =>
      callPeer(this.peer, migrationProtocol.baton, { migration }, question, { timeoutMs });
    return new Heartbeat(ask, { container, destination });
  }

  enter(phase: string, message: string): void {
    this.phase = phase;
    this.context.phase(phase, message);
  }
}
