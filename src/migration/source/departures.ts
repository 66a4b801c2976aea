import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import type { MigrateRequest, MigrationAbout, MigrationPlan, MigrationSettings } from "../../contract/migration.ts";
import type { Operation } from "../../contract/operations.ts";
import type { Recovery } from "../../contract/routes.ts";
import { containerName } from "../../host/container/facts.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { Host } from "../../host/host.ts";
import { releaseImageSpace } from "../../host/restore/image-space.ts";
import type { Journal } from "../../journal/journal.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { Operations } from "../../operations/operations.ts";
import type { Peer } from "../../transport/peer.ts";
import { sourceIsDone, sourceMayRun } from "../baton/source.ts";
import { MigrationControls } from "../controls.ts";
import { checkMigration } from "./check.ts";
import { Departure } from "./departure.ts";
import { fellSilent } from "./hand-over.ts";
import { migrate } from "./migrate.ts";
import { departureKind, departureRecord } from "./record.ts";

const askEveryMs = 2000;
const recoverPatienceMs = 5000;
/** Longer than a destination waits for a word of its source. */
const tellForMs = 300_000;

export interface DeparturesDeps {
  host: Host;
  journal: Journal;
  operations: Operations;
  peers: (host: string) => Peer;
  /** What follows a move: the container's history goes after it. */
  moved: (container: ContainerInspect, peer: Peer, context: OperationContext) => Promise<void>;
}

/** The migrations that leave this host. */
export class Departures {
  readonly #deps: DeparturesDeps;
  /** Those that an operation is carrying out. */
  readonly #begun = new Set<Departure>();
  /** What steers those that an operation is carrying out, by migration. */
  readonly #steered = new Map<string, { controls: MigrationControls; context: OperationContext }>();
  /** Those that outlived their operation. */
  readonly #unsettled = new Set<Departure>();
  #closed = false;

  constructor(deps: DeparturesDeps) {
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
      let departing: Departure | undefined;
      const begun = (departure: Departure) => {
        departing = departure;
        this.#begun.add(departure);
      };
      const unsettled = (departure: Departure) => this.#watch(departure);
      this.#steered.set(context.id, { controls, context });
      try {
        const result = await migrate({ ...this.#deps, peer, begun, unsettled }, container, request, context, controls);
        await this.#deps.moved(container, peer, context);
        return result;
      } finally {
        if (departing) this.#begun.delete(departing);
        this.#steered.delete(context.id);
      }
    });
  }

  /** Changes the limits of one that runs. @throws wrong-phase */
  set(migration: string, settings: MigrationSettings): void {
    const { controls, context } = this.#steer(migration);
    controls.set(settings);
    context.about({ settings: controls.settings });
  }

  /** Ends the rounds of one that runs. @throws wrong-phase */
  switchNow(migration: string): void {
    const { controls } = this.#steer(migration);
    if (controls.switchable) {
      controls.switchNow();
      return;
    }
    const { phase } = this.#deps.operations.get(migration);
    throw new GodwitError("wrong-phase", `Migration ${migration} has no rounds to cut short: it is in ${phase}.`, {
      hint: "Only pre-copy has rounds, in its phase sync; whatever else there is goes to the switchover as soon as it can.",
    });
  }

  #steer(migration: string) {
    const steered = this.#steered.get(migration);
    if (steered) return steered;
    throw new GodwitError(
      "wrong-phase",
      `Migration ${migration} is past the switchover, and is not steered any more.`,
      {
        hint: "An agent that was restarted sees it to its end.",
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

  /** @throws baton-unresolved where the container waits frozen for the word of its destination */
  assertSettled(container: string): void {
    const departure = this.#frozen(container, this.#unsettled);
    if (!departure) return;
    throw fellSilent(departure);
  }

  /** Asks the destination once more; with `force` the operator says that it is gone and will not run the container. */
  async recover(container: string, force: boolean): Promise<Recovery> {
    const here = this.#deps.host.name;
    const departure = this.#frozen(container, [...this.#unsettled, ...this.#begun]);
    if (!departure) {
      return {
        container,
        host: here,
        outcome: "nothing-to-recover",
        message: `'${container}' does not wait for another host.`,
      };
    }
    const { destination } = departure.record;
    await departure.apply({ type: force ? "force" : "tick" });
    await departure.settle(
      () => departure.record.state.at === "holds" || departure.record.state.at === "finished",
      recoverPatienceMs,
    );
    if (departure.record.state.at === "holds") {
      return { container, host: here, outcome: "running-on-source", message: `'${container}' runs on here.` };
    }
    if (departure.record.state.at === "finished") {
      return {
        container,
        host: destination,
        outcome: "running-on-destination",
        message: `'${container}' runs on ${destination}.`,
      };
    }
    throw fellSilent(departure);
  }

  /** After a start of the agent: every departure of its last life ends in its place. */
  async resume(): Promise<void> {
    for (const { id, value } of this.#deps.journal.listRecords(departureKind)) {
      const parsed = departureRecord.safeParse(value);
      if (!parsed.success) continue;
      await releaseImageSpace(`source-${id}`);
      const departure = new Departure(
        this.#deps.host,
        this.#deps.journal,
        () => this.#deps.peers(parsed.data.destination),
        parsed.data,
      );
      const settle = async () => {
        this.#unsettled.add(departure);
        await departure.serveAgain();
        await departure.tellLost();
        await departure.apply({ type: "restarted" });
        await this.#watch(departure);
        if (departure.record.state.at === "holds") throw departure.reason();
        const { result, startedAt } = departure.record;
        return result && { ...result, totalMs: Date.now() - Date.parse(startedAt) };
      };
      // An operation that had ended unresolved is not running any more; its departure is settled all the same.
      if (!this.#deps.operations.adopt(id, settle)) settle().catch(() => {});
    }
  }

  close(): void {
    this.#closed = true;
  }

  /** Asks on in the background until the matter is settled. */
  async #watch(departure: Departure): Promise<void> {
    this.#unsettled.add(departure);
    this.#begun.delete(departure);
    const begun = performance.now();
    while (!this.#closed && !sourceIsDone(departure.record.state)) {
      await sleep(askEveryMs);
      await departure.tellLost();
      await departure.apply({ type: "tick" });
      // It was never offered anything, and gives up by itself when it hears nothing.
      const { state } = departure.record;
      if (state.at === "holds" && state.ended === "cancelled" && performance.now() - begun > tellForMs) break;
    }
    if (this.#closed) return;
    departure.forget();
    this.#unsettled.delete(departure);
  }

  /** What keeps a container frozen here. */
  #frozen(container: string, among: Iterable<Departure>): Departure | undefined {
    return [...among].find(
      ({ record }) => record.container === container && !sourceMayRun(record.state) && !sourceIsDone(record.state),
    );
  }
}
