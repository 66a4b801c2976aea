import type { DestinationState } from "../../src/migration/baton/destination.ts";
import { sourceIsDone, sourceStart } from "../../src/migration/baton/source.ts";
import { DestinationBaton } from "../../src/migration/destination/baton.ts";
import type { IncomingRecord } from "../../src/migration/destination/record.ts";
import { SourceBaton } from "../../src/migration/source/baton.ts";
import type { OutgoingRecord } from "../../src/migration/source/record.ts";
import { emptyOffer, fakeDestinationWorld, fakeSourceWorld } from "./fake-worlds.ts";
import { Machines, type Side } from "./machines.ts";

/**
 * The real executors of both sides on two fake machines: every action works, fails, loses its answer, or hangs, as the test says.
 * Journals fail, and agents crash: an agent that starts knows its journal alone.
 */
export class ExecutorWorld {
  readonly machines: Machines;
  source: SourceBaton | undefined;
  destination: DestinationBaton | undefined;
  #journals: Record<Side, string | undefined> = { source: undefined, destination: undefined };
  #fullDisks = { source: false, destination: false };

  constructor(postcopy: boolean) {
    this.machines = new Machines(postcopy);
    this.#startSource({
      ...{ migration: "m", container: "web", containerId: "c", destination: "h2", state: sourceStart, owed: [] },
      ...{ mode: postcopy ? "postcopy" : "cold", keepSource: false, keepConnections: true, mayBeFrozen: false },
      ...{ restartPolicy: { Name: "always" }, volumes: [], startedAt: new Date(0).toISOString(), result: null },
    });
    this.#startDestination({
      request: { migration: "m" } as IncomingRecord["request"],
      operation: null,
      state: { at: "waiting" },
      ...{ owed: [], creating: false, created: "copy", volumes: [], networks: [], paths: [], folders: [] },
      startedAt: new Date(0).toISOString(),
    });
    this.tick();
    this.#inDestination((baton) => baton.apply({ type: "prepare" }));
  }

  /** The state of each side as its journal has it. */
  get states(): { source: OutgoingRecord["state"]; destination: DestinationState | undefined } {
    const source = this.#read<OutgoingRecord>("source");
    return { source: source?.state ?? sourceStart, destination: this.#read<IncomingRecord>("destination")?.state };
  }

  /** What both sides still owe, as their journals have it. */
  get owed(): string[] {
    return [
      ...(this.#read<OutgoingRecord>("source")?.owed ?? []),
      ...(this.#read<IncomingRecord>("destination")?.owed ?? []),
    ];
  }

  freeze(): void {
    const { source } = this.states;
    if (this.source && source.at === "holds" && source.ended === null) this.machines.original = "frozen";
  }

  offer(): void {
    if (this.machines.original === "frozen") this.#inSource((baton) => baton.offer(emptyOffer));
  }

  tick(): void {
    this.#inSource((baton) => baton.apply({ type: "tick" }));
  }

  cancel(): void {
    this.#inSource((baton) => baton.insist({ type: "cancel" }));
  }

  refuse(): void {
    this.#inDestination((baton) => baton.apply({ type: "refuse" }));
  }

  fillDisk(side: Side): void {
    this.#fullDisks[side] = true;
  }

  crash(side: Side, pick: number): void {
    if (side === "source") this.source = undefined;
    else this.destination = undefined;
    this.machines.crash(side, pick);
  }

  start(side: Side): void {
    if (this[side]) return;
    this.#fullDisks[side] = false;
    if (side === "source") {
      const record = this.#read<OutgoingRecord>("source");
      if (record) this.#startSource(record);
      this.#inSource((baton) => baton.insist({ type: "restarted" }));
    } else {
      const record = this.#read<IncomingRecord>("destination");
      if (record) this.#startDestination(record);
      this.#inDestination((baton) => baton.resume());
    }
  }

  /** The destination's machine dies with all that runs on it; then the operator says so. */
  loseDestinationAndForce(): void {
    const { source } = this.states;
    if (!this.source || (source.at !== "offered" && source.at !== "passed")) return;
    this.crash("destination", 1);
    const { machines } = this;
    if (machines.copy !== "none") machines.copy = "dead";
    machines.actions = machines.actions.filter(({ what }) => what !== "answer");
    machines.forced = true;
    // With a full disk the operator is told so, and says it again.
    this.#fullDisks.source = false;
    this.#inSource((baton) => baton.apply({ type: "force" }));
  }

  /** Everything works from now on, for long enough. */
  async heal(): Promise<void> {
    const { machines } = this;
    this.#fullDisks = { source: false, destination: false };
    this.start("source");
    this.start("destination");
    for (let round = 0; round < 200; round++) {
      await this.settle();
      while (machines.actions.length > 0) {
        machines.end(0, "works");
        await this.settle();
      }
      machines.allPagesArrive();
      for (let timer = 0; timer < 10; timer++) machines.timePasses();
      if (round % 4 === 0) this.tick();
      const isQuiet = this.owed.length === 0 && machines.actions.length === 0;
      if (isQuiet && round > 8 && sourceIsDone(this.states.source)) break;
    }
  }

  /** Everything that needs nothing of the machines goes on; then the invariants are checked. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const { source, destination } = this.states;
    this.machines.check(source, destination);
  }

  #read<R>(side: Side): R | undefined {
    const journal = this.#journals[side];
    return journal === undefined ? undefined : (JSON.parse(journal) as R);
  }

  #startSource(record: OutgoingRecord): void {
    const destinationState = () => this.states.destination;
    this.source = new SourceBaton(record, {
      world: fakeSourceWorld(this.machines, record, { destination: () => this.destination, destinationState }),
      clock: this.machines.clock("source"),
      save: this.#save("source", record),
      onFailure: () => {},
      onJournalFailure: () => {},
    });
  }

  #startDestination(record: IncomingRecord): void {
    this.destination = new DestinationBaton(record, {
      world: fakeDestinationWorld(this.machines, { destinationState: () => this.states.destination }),
      clock: this.machines.clock("destination"),
      save: this.#save("destination", record),
      onFailure: () => {},
      onTrouble: () => {},
    });
  }

  /** A crashed agent writes nothing more: its record belongs to nobody. */
  #save(side: Side, record: OutgoingRecord | IncomingRecord) {
    return () => {
      if (this[side] && this[side]?.record !== record) return;
      if (this.#fullDisks[side]) {
        this.#fullDisks[side] = false;
        throw new Error("no space left on device");
      }
      this.#journals[side] = JSON.stringify(record);
    };
  }

  #inSource(work: (baton: SourceBaton) => Promise<unknown>): void {
    // A full disk refuses the input: its caller tries again.
    if (this.source) work(this.source).catch(() => {});
  }

  #inDestination(work: (baton: DestinationBaton) => unknown): void {
    const { destination } = this;
    if (!destination) return;
    Promise.resolve()
      .then(() => work(destination))
      .catch(() => {});
  }
}
