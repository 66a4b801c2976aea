import { GodwitError } from "../../contract/errors.ts";
import type { MigrateRequest, MigrationAbout, MigrationPlan, MigrationSettings } from "../../contract/migration.ts";
import type { Operation } from "../../contract/operations.ts";
import type { Recovery } from "../../contract/routes.ts";
import { containerName } from "../../host/container/facts.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { Host } from "../../host/host.ts";
import { releaseImageSpace } from "../../host/restore/image-space.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Log } from "../../operations/log.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { Operations } from "../../operations/operations.ts";
import type { Peer } from "../../transport/peer.ts";
import { realClock } from "../baton/owed-effects.ts";
import { migrate } from "./migrate.ts";
import { Move } from "./move.ts";
import { newRecord, OutgoingMigration } from "./outgoing.ts";
import { checkMigration } from "./preflight/check-migration.ts";
import { type OutgoingRecord, outgoingKind, outgoingRecord } from "./record.ts";
import { MigrationControls } from "./transfer/controls.ts";

const askEveryMs = 2000;
const lookEveryMs = 200;
const recoverPatienceMs = 5000;
/** Longer than a destination waits for a sign of its source: it gives up alone then. */
const tellForMs = 300_000;

interface OutgoingMigrationsDeps {
  host: Host;
  journal: Journal;
  operations: Operations;
  peers: (host: string) => Peer;
  log: Log;
  /** What follows a move: the container's checkpoints go after it. */
  moved: (container: ContainerInspect, peer: Peer, context: OperationContext) => Promise<void>;
}

/** The migrations that leave this host. */
export class OutgoingMigrations {
  readonly #deps: OutgoingMigrationsDeps;
  /** All that are not settled, by their id. */
  readonly #all = new Map<string, OutgoingMigration>();
  /** Those whose operation runs. */
  readonly #moves = new Map<string, Move>();
  /** Those that the agent asks about by itself. */
  readonly #asked = new Set<string>();
  #closed = false;

  constructor(deps: OutgoingMigrationsDeps) {
    this.#deps = deps;
  }

  async plan(container: ContainerInspect, request: MigrateRequest): Promise<MigrationPlan> {
    const peer = this.#destination(container, request);
    const checked = await checkMigration(this.#deps.host, peer, container, {
      ...request,
      dryRun: true,
      migration: "dry-run",
    });
    return checked.plan;
  }

  migrate(container: ContainerInspect, request: MigrateRequest): Operation {
    const name = containerName(container);
    this.assertSettled(name);
    const peer = this.#destination(container, request);
    const controls = new MigrationControls(request);
    const about: MigrationAbout = {
      destination: peer.name,
      asked: request.mode,
      mode: null,
      settings: controls.settings,
      onNoConvergence: request.onNoConvergence,
    };
    const spec = { kind: "migrate", container: name, cancellable: true, about } as const;
    return this.#deps.operations.start(spec, async (context) => {
      const migration = this.#open({ ...newRecord(context.id, container, request), destination: peer.name });
      this.#moves.set(context.id, new Move({ migration, container, request, context, controls }));
      try {
        const result = await migrate(this.#moves.get(context.id) as Move);
        await this.#deps.moved(container, peer, context);
        return result;
      } finally {
        this.#moves.delete(context.id);
        migration.onWaiting = () => {};
        this.#close(migration);
      }
    });
  }

  /** Changes the limits of one that runs. @throws wrong-phase */
  set(migration: string, settings: MigrationSettings): void {
    const { controls, context } = this.#move(migration);
    controls.set(settings);
    context.about({ settings: controls.settings });
  }

  /** Ends the rounds of one that runs. @throws wrong-phase */
  switchNow(migration: string): void {
    const { controls } = this.#move(migration);
    if (controls.switchable) {
      controls.switchNow();
      return;
    }
    const { phase } = this.#deps.operations.get(migration);
    throw new GodwitError(
      "wrong-phase",
      `Migration ${migration} has no rounds of memory to end now: it is in ${phase}.`,
      {
        hint: "Only pre-copy has rounds of memory. They begin in its phase sync, when its files have been copied.",
      },
    );
  }

  #move(migration: string): Move {
    const move = this.#moves.get(migration);
    if (move) return move;
    throw new GodwitError(
      "wrong-phase",
      `Migration ${migration} is past the switchover: its settings have no effect.`,
      {
        hint: "The agent completes it without further settings.",
      },
    );
  }

  /** @throws what can be said about the request before the destination is asked */
  #destination(container: ContainerInspect, { destination }: MigrateRequest): Peer {
    if (destination !== this.#deps.host.name) return this.#deps.peers(destination);
    throw new GodwitError("usage", `'${containerName(container)}' is on ${destination} already.`, {
      hint: "Name another host, or make a second container with 'godwit clone'.",
    });
  }

  /** @throws baton-unresolved where the original of the container waits here, frozen or for its end */
  assertSettled(container: string): void {
    const migration = this.#holding(container);
    if (migration && !this.#moves.has(migration.record.migration)) throw migration.unresolved();
  }

  /** Asks the destination once more; with `force` the operator says that it is gone and will not run the container. */
  async recover(container: string, force: boolean): Promise<Recovery> {
    const host = this.#deps.host.name;
    const migration = this.#holding(container);
    if (!migration) {
      const message = `'${container}' does not wait for another host.`;
      return { container, host, outcome: "nothing-to-recover", message };
    }
    const { baton, record } = migration;
    await baton.apply({ type: force ? "force" : "tick" });
    const isDecided = () => record.state.at === "holds" || record.state.at === "finished";
    const isSettled = () => isDecided() && !baton.owed.owes("thaw", "kill");
    const deadline = realClock.now() + recoverPatienceMs;
    await baton.askUntil(() => isSettled() || realClock.now() > deadline, recoverPatienceMs);
    if (!isSettled()) throw migration.unresolved();
    if (record.state.at === "holds")
      return { container, host, outcome: "running-on-source", message: `'${container}' keeps running here.` };
    const message = `'${container}' runs on ${record.destination}.`;
    return { container, host: record.destination, outcome: "running-on-destination", message };
  }

  /** After a start of the agent: every migration that an earlier agent left ends in its place. */
  async resume(): Promise<void> {
    const { journal, log, operations } = this.#deps;
    for (const { id, value } of journal.listRecords(outgoingKind)) {
      const parsed = outgoingRecord.safeParse(value);
      if (!parsed.success) {
        log.error({ err: parsed.error, id }, "the journal has a migration that cannot be read");
        continue;
      }
      releaseImageSpace(`source-${id}`).catch((error) =>
        log.warn({ err: error, id }, "room of images is not released"),
      );
      const migration = this.#open(parsed.data);
      const settle = async () => {
        void migration.serveMemoryOnceKnown(() => this.#closed);
        await migration.baton.insist({ type: "restarted" });
        migration.deps.askOn(migration);
        await this.#untilDecided(migration);
        const { result, startedAt, state } = migration.record;
        if (state.at === "holds") throw migration.reason();
        return result && { ...result, totalMs: Date.now() - Date.parse(startedAt) };
      };
      // An operation that had ended unresolved does not run again; its migration is settled all the same.
      if (!operations.adopt(id, settle))
        settle().catch((error) => log.info({ err: error, id }, "a resumed migration ended with an error"));
    }
  }

  close(): void {
    this.#closed = true;
    for (const { baton } of this.#all.values()) baton.owed.stop();
  }

  #open(record: OutgoingRecord): OutgoingMigration {
    const { host, journal, log, peers } = this.#deps;
    const migration = new OutgoingMigration(record, {
      ...{ host, journal, log },
      peer: () => peers(record.destination),
      askOn: (unsettled) => {
        this.#untilSettled(unsettled).catch((error) =>
          log.error({ err: error }, "a migration is not asked about any more"),
        );
      },
    });
    this.#all.set(record.migration, migration);
    return migration;
  }

  #close(migration: OutgoingMigration): void {
    if (!migration.isSettled) {
      migration.deps.askOn(migration);
      return;
    }
    migration.forget();
    this.#all.delete(migration.record.migration);
  }

  /** Returns when nothing is left to do on this host. The destination may still have to be told. After the agent's end it never does. */
  async #untilDecided({ baton, record }: OutgoingMigration): Promise<void> {
    const isDecided = () => ["holds", "finished"].includes(record.state.at) && !baton.owed.owes();
    while (this.#closed || !isDecided()) await realClock.sleep(lookEveryMs);
  }

  /** Asks on until the migration is settled, or the agent ends. */
  async #untilSettled(migration: OutgoingMigration): Promise<void> {
    const { record, baton } = migration;
    if (this.#asked.has(record.migration)) return;
    this.#asked.add(record.migration);
    const begun = realClock.now();
    while (!this.#closed && !migration.isSettled) {
      await realClock.sleep(askEveryMs);
      await migration.reportMemoryLost();
      await baton.insist({ type: "tick" });
      // The destination was never offered the baton. It gives up by itself when it hears nothing from this source.
      if (baton.isForgettable && realClock.now() - begun > tellForMs) break;
    }
    this.#asked.delete(record.migration);
    if (this.#closed) return;
    migration.forget();
    this.#all.delete(record.migration);
  }

  /** The migration whose original of this name waits here. */
  #holding(container: string): OutgoingMigration | undefined {
    return [...this.#all.values()].find(({ record, holdsOriginal }) => record.container === container && holdsOriginal);
  }
}
