import { GodwitError } from "../../contract/errors.ts";
import type { BatonAnswer, Reservation, ReserveRequest } from "../../contract/peer/messages.ts";
import { protocol } from "../../contract/version.ts";
import { imageSpaces, releaseImageSpace } from "../../host/restore/image-space.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { Operations } from "../../operations/operations.ts";
import {
  type DestinationState,
  destinationMayRun,
  destinationStart,
  destinationStep,
  statusOf,
} from "../baton/destination.ts";
import { releaseAndEnd } from "./effects/release-and-end.ts";
import type { DestinationWorld } from "./effects/world.ts";
import { type IncomingDeps, IncomingMigration } from "./incoming.ts";
import { viewOf } from "./preflight/view.ts";
import { type IncomingRecord, incomingKind, incomingRecord } from "./record.ts";
import { restoring } from "./switchover.ts";

/** Ended migrations are kept for a source that comes back and asks; then they are forgotten. */
const keptDays = 30;
/** Kind of the journal's records of migrations that were taken back before they came: which source did it, and when. */
const refusedKind = "incoming-refused";

interface IncomingMigrationsDeps extends IncomingDeps {
  operations: Operations;
}

/** The migrations that come to this host. */
export class IncomingMigrations {
  readonly #deps: IncomingMigrationsDeps;
  readonly #all = new Map<string, IncomingMigration>();

  constructor(deps: IncomingMigrationsDeps) {
    this.#deps = deps;
  }

  /** What this host says to a container that may come; unless it is a dry run, its name is held from now on. */
  async reserve(request: ReserveRequest): Promise<Reservation> {
    if (request.protocol !== protocol) {
      throw new GodwitError(
        "incompatible-agent",
        `${this.#deps.host.name} speaks version ${protocol} of the protocol, ${request.source} version ${request.protocol}.`,
        {
          hint: "Install the same version of godwit on both hosts.",
        },
      );
    }
    this.#deps.operations.assertFree(request.container.name);
    const [facts, view] = await Promise.all([this.#deps.host.facts(), viewOf(this.#deps.host, request)]);
    if (!request.dryRun) this.#begin(request);
    return { facts, view };
  }

  /** @throws no-such-migration, also for a migration of another source */
  async find(migration: string, source: string): Promise<IncomingMigration> {
    const found = this.#all.get(migration);
    if (found?.record.request.source !== source)
      throw new GodwitError("no-such-migration", `There is no migration '${migration}' from ${source}.`);
    await found.resumed;
    found.onSign();
    return found;
  }

  /** The status of the baton, as the source asks for it or takes it back. What is unknown and revoked can never begin. */
  async askBaton(
    migration: string,
    source: string,
    { revoke, forced }: { revoke: boolean; forced: boolean },
  ): Promise<BatonAnswer> {
    if (this.#all.has(migration)) {
      const found = await this.find(migration, source);
      return revoke ? found.revoke(forced) : found.answer();
    }
    const { state } = destinationStep(
      this.#stateOfUnknown(migration),
      revoke ? { type: "revoke", forced } : { type: "ask" },
    );
    const at = new Date().toISOString();
    if (state?.at === "refused") this.#deps.journal.putRecord(refusedKind, migration, { source, at });
    return {
      status: statusOf(state),
      complete: false,
      steps: [],
      criu: null,
      entryMs: null,
      unrestored: [],
      error: null,
    };
  }

  /** Of one that was never reserved here: it may have been taken back before it came. */
  #stateOfUnknown(migration: string): DestinationState | undefined {
    return this.#deps.journal.getRecord(refusedKind, migration) ? { at: "refused" } : undefined;
  }

  /** After a start of the agent: every migration that an earlier agent left ends in its place. */
  async resume(): Promise<void> {
    const { journal, log, operations } = this.#deps;
    const resumed: Promise<void>[] = [];
    const oldest = new Date(Date.now() - keptDays * 86_400_000).toISOString();
    for (const { id, value } of journal.listRecords(incomingKind)) {
      const parsed = incomingRecord.safeParse(value);
      if (!parsed.success) {
        log.error({ err: parsed.error, id }, "the journal has a migration that cannot be read");
        continue;
      }
      if (parsed.data.startedAt < oldest && parsed.data.owed.length === 0) {
        journal.deleteRecord(incomingKind, id);
        continue;
      }
      const migration = new IncomingMigration(parsed.data, this.#deps, worldOf);
      this.#all.set(id, migration);
      const { operation, request, state } = parsed.data;
      const wasComing = state.at === "waiting" || state.at === "taken";
      migration.resumed = migration.baton.resume().then(() => {
        // The baton has refused it now, or ends what there is of it.
        const isGivenUp = !destinationMayRun(migration.record.state) || migration.record.state.killing;
        if (wasComing && isGivenUp) migration.baton.note(agentEnded(this.#deps.host.name, request.container.name));
      });
      resumed.push(migration.resumed);
      if (operation) operations.adopt(operation, (context) => receive(migration, context));
    }
    for (const { id, value } of journal.listRecords(refusedKind)) {
      const { at = "" } = value as { at?: string };
      if (at < oldest) journal.deleteRecord(refusedKind, id);
    }
    // In the background: one of them may have to wait, and the agent must answer for the others.
    Promise.allSettled(resumed)
      .then(() => this.#sweepSpaces())
      .catch((error) => log.warn({ err: error }, "room of images is not released"));
  }

  close(): void {
    for (const { baton } of this.#all.values()) baton.owed.stop();
  }

  #begin({ facts: _, ...request }: ReserveRequest): void {
    const { operations } = this.#deps;
    if (this.#all.has(request.migration))
      throw new GodwitError("usage", `There is a migration '${request.migration}' already.`);
    if (this.#stateOfUnknown(request.migration)) {
      throw new GodwitError("cancelled", `The source took the migration '${request.migration}' back.`);
    }
    const record: IncomingRecord = {
      request,
      operation: null,
      state: destinationStart,
      ...{ owed: [], creating: false, created: null, volumes: [], networks: [], paths: [], folders: [] },
      startedAt: new Date().toISOString(),
    };
    const migration = new IncomingMigration(record, this.#deps, worldOf);
    const spec = { kind: "receive", container: request.container.name, cancellable: true } as const;
    record.operation = operations.start(spec, (context) => receive(migration, context)).id;
    this.#all.set(request.migration, migration);
    migration.baton.apply({ type: "prepare" });
    migration.onSign();
  }

  /** Releases room that no migration needs any more. */
  async #sweepSpaces(): Promise<void> {
    for (const id of await imageSpaces()) {
      const state = this.#all.get(id)?.record.state;
      const isNeeded = destinationMayRun(state) && !(state.at === "running" && state.complete);
      if (!isNeeded) await releaseImageSpace(id);
    }
  }
}

const worldOf = (migration: IncomingMigration): DestinationWorld => ({
  ...restoring(migration),
  ...releaseAndEnd(migration),
});

const agentEnded = (host: string, container: string) =>
  new GodwitError(
    "agent-ended",
    `The agent of ${host} ended while '${container}' was coming, and removed what it had of it.`,
    {
      hint: "Try the move again.",
    },
  );

/** What the operation of this host does while a container comes: it holds the name, and ends with the migration. */
async function receive(migration: IncomingMigration, context: OperationContext): Promise<void> {
  const { container, source } = migration.record.request;
  context.signal.addEventListener("abort", () => migration.refuse());
  context.phase("receive", `'${container.name}' comes from ${source}`);
  migration.onWaiting = (message) => context.phase("receive", message);
  await migration.ended();
}
