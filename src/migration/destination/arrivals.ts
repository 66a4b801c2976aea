import { GodwitError } from "../../contract/errors.ts";
import type { BatonAnswer, MigrationOffer, Reservation } from "../../contract/migration.ts";
import { protocol } from "../../contract/version.ts";
import type { Host } from "../../host/host.ts";
import { imageSpaces, releaseImageSpace } from "../../host/restore/image-space.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Operations } from "../../operations/operations.ts";
import { destinationStart } from "../baton/destination.ts";
import { Arrival } from "./arrival.ts";
import { arrivalKind, arrivalRecord } from "./record.ts";
import { viewOf } from "./view.ts";

/** Ended arrivals are kept for a source that comes back and asks; then they are forgotten. */
const keptDays = 30;
/** Kind of the journal's records of migrations that were taken back before they came. */
const refusedKind = "arrival-refused";

export interface ArrivalsDeps {
  host: Host;
  journal: Journal;
  operations: Operations;
}

/** The migrations that come to this host. */
export class Arrivals {
  readonly #deps: ArrivalsDeps;
  readonly #arrivals = new Map<string, Arrival>();

  constructor(deps: ArrivalsDeps) {
    this.#deps = deps;
  }

  /** What this host says to a container that may come; unless it is a dry run, its name is held from now on. */
  async reserve(offer: MigrationOffer): Promise<Reservation> {
    if (offer.protocol !== protocol) {
      throw new GodwitError(
        "incompatible-agent",
        `${this.#deps.host.name} speaks version ${protocol} of the protocol, ${offer.source} version ${offer.protocol}.`,
        {
          hint: "Install the same version of godwit on both hosts.",
        },
      );
    }
    this.#deps.operations.assertFree(offer.container.name);
    const [facts, view] = await Promise.all([this.#deps.host.facts(), viewOf(this.#deps.host, offer)]);
    if (!offer.dryRun) this.#begin(offer);
    return { facts, view };
  }

  /** @throws no-such-migration, also for a migration of another source */
  find(migration: string, source: string): Arrival {
    const arrival = this.#arrivals.get(migration);
    if (arrival?.record.offer.source !== source)
      throw new GodwitError("no-such-migration", `There is no migration '${migration}' from ${source}.`);
    arrival.heard();
    return arrival;
  }

  /** The word about the baton, as the source asks for it or takes it back. What is unknown and revoked can never begin. */
  async word(migration: string, source: string, request: { revoke: boolean; forced: boolean }): Promise<BatonAnswer> {
    const arrival = this.#arrivals.get(migration);
    if (arrival) {
      const own = this.find(migration, source);
      return request.revoke ? own.revoked(request.forced) : own.answer();
    }
    if (request.revoke) this.#deps.journal.putRecord(refusedKind, migration, { source });
    const refused = this.#deps.journal.getRecord(refusedKind, migration) !== undefined;
    return {
      word: refused ? "refused" : "waiting",
      complete: false,
      steps: [],
      criu: null,
      entryMs: null,
      error: null,
    };
  }

  /** After a start: every arrival of the agent's last life ends in its place. */
  async resume(): Promise<void> {
    const oldest = new Date(Date.now() - keptDays * 86_400_000).toISOString();
    for (const { id, value } of this.#deps.journal.listRecords(arrivalKind)) {
      const parsed = arrivalRecord.safeParse(value);
      if (!parsed.success || parsed.data.startedAt < oldest) {
        this.#deps.journal.deleteRecord(arrivalKind, id);
        continue;
      }
      const arrival = new Arrival(this.#deps.host, this.#deps.journal, parsed.data);
      this.#arrivals.set(id, arrival);
      await arrival.resume();
    }
    await this.#sweepSpaces();
  }

  #begin(offer: MigrationOffer): void {
    if (this.#deps.journal.getRecord(refusedKind, offer.migration)) {
      throw new GodwitError("cancelled", `The migration '${offer.migration}' was taken back by its source.`);
    }
    const { facts: _, ...rest } = offer;
    const record = {
      offer: rest,
      state: destinationStart,
      creating: false,
      created: null,
      ...{ volumes: [], networks: [], paths: [], folders: [] },
      startedAt: new Date().toISOString(),
    };
    const arrival = new Arrival(this.#deps.host, this.#deps.journal, record);
    this.#arrivals.set(offer.migration, arrival);
    this.#deps.operations.start(
      { kind: "receive", container: offer.container.name, cancellable: true },
      async (context) => {
        context.signal.addEventListener("abort", () => arrival.apply({ type: "refuse" }));
        context.phase("receive", `'${offer.container.name}' comes from ${offer.source}`);
        await arrival.ended();
      },
    );
    arrival.apply({ type: "prepare" });
    arrival.heard();
  }

  /** Room that no living arrival needs. */
  async #sweepSpaces(): Promise<void> {
    for (const id of await imageSpaces()) {
      const state = this.#arrivals.get(id)?.record.state;
      if (state?.at !== "running" || state.complete) await releaseImageSpace(id);
    }
  }
}
