import {
  type DestinationAction,
  type DestinationInput,
  type DestinationState,
  destinationStep,
} from "../../src/migration/baton/destination.ts";
import {
  type SourceAction,
  type SourceInput,
  type SourceState,
  sourceStart,
  sourceStep,
} from "../../src/migration/baton/source.ts";
import { type Copy, checkInvariants, must, type Original } from "./invariants.ts";

/**
 * Two hosts and the network between them, as bad as they can be: for the tests of the baton. A side's machine memory is its
 * journal alone; crashing forgets the actions that were not carried out yet. What the processes do is kept apart from
 * what the journals say, and every change of either is checked against the invariants.
 */

type Message = { to: "destination"; input: DestinationInput } | { to: "source"; input: SourceInput };

export class World {
  source: SourceState = sourceStart;
  destination: DestinationState | undefined = undefined;
  original: Original = "running";
  copy: Copy = "none";
  sourceUp = true;
  destinationUp = true;
  forced = false;
  sourceActions: SourceAction[] = [];
  destinationActions: DestinationAction[] = [];
  /** Results on the destination that its agent has not read yet; a crash loses them. */
  results: DestinationInput[] = [];
  network: Message[] = [];
  readonly postcopy: boolean;

  constructor(postcopy: boolean) {
    this.postcopy = postcopy;
  }

  inSource(input: SourceInput): void {
    if (!this.sourceUp) return;
    const before = this.source;
    const move = sourceStep(before, input);
    this.source = move.state;
    this.sourceActions.push(...move.actions);
    this.check();
    if (before.at !== "holds" && this.source.at === "holds" && !this.forced) {
      must(this.destination?.at === "refused" || this.destination?.at === "returned", "thaw without a final status");
    }
  }

  inDestination(input: DestinationInput): void {
    if (!this.destinationUp) return;
    const before = this.destination;
    const move = destinationStep(before, input);
    this.destination = move.state;
    this.destinationActions.push(...move.actions);
    this.check();
    const final = before?.at === "refused" || before?.at === "returned";
    must(!final || this.destination?.at === before.at, "a final status changed");
    if (this.destination?.at === "returned" && !final) {
      must(this.copy === "none" || this.copy === "dead", "returned with a copy alive");
    }
  }

  sourceActs(): void {
    const action = this.sourceActions.shift();
    switch (action?.do) {
      case "thaw":
        must(this.original !== "dead", "thaw of a killed original");
        this.original = "running";
        break;
      case "kill-original":
        must(this.destination?.at === "running", "original killed before the copy ran");
        must(
          !this.postcopy || this.destination?.at !== "running" || this.destination.complete,
          "killed with pages missing",
        );
        this.original = "dead";
        break;
      case "send-offer":
        this.network.push({ to: "destination", input: { type: "offer" } });
        break;
      case "ask":
        this.network.push({ to: "destination", input: { type: "ask" } });
        break;
      case "revoke":
        this.network.push({ to: "destination", input: { type: "revoke", forced: action.forced } });
        break;
    }
    this.check();
  }

  destinationActs(): void {
    const action = this.destinationActions.shift();
    switch (action?.do) {
      case "restore":
        must(this.copy === "none", "restored twice");
        this.copy = "restoring";
        break;
      case "kill-copy":
        this.copy = "dead";
        this.results.push({ type: "copy-dead" });
        break;
      case "discard":
        must(this.copy === "none" || this.copy === "dead", "a living copy discarded");
        break;
      case "answer":
        this.network.push({
          to: "source",
          input: { type: "status", status: action.status, complete: action.complete },
        });
        break;
    }
    this.check();
  }

  deliver(pick: number, keep: boolean): void {
    const i = pick % Math.max(1, this.network.length);
    const message = this.network[i];
    if (!message) return;
    if (!keep) this.network.splice(i, 1);
    if (message.to === "source") this.inSource(message.input);
    else this.inDestination(message.input);
  }

  lose(pick: number): void {
    this.network.splice(pick % Math.max(1, this.network.length), 1);
  }

  prepare(): void {
    if (this.sourceUp && this.source.at === "holds" && this.source.ended === null)
      this.network.push({ to: "destination", input: { type: "prepare" } });
  }

  freeze(): void {
    if (this.sourceUp && this.source.at === "holds" && this.source.ended === null) this.original = "frozen";
  }

  offer(): void {
    if (this.original === "frozen") this.inSource({ type: "offer" });
  }

  /** CRIU needs no agent to end: the runtime hook goes on while the agent is down. */
  restoreEnds(well: boolean): void {
    if (this.copy !== "restoring") return;
    this.copy = well ? "running" : "debris";
    this.check();
    this.result(well ? { type: "restored", complete: !this.postcopy } : { type: "restore-failed" });
  }

  drain(): void {
    if (this.copy === "running" && this.destination?.at === "running") this.result({ type: "drained" });
  }

  copyExits(): void {
    if (this.copy === "running") this.copy = "exited";
  }

  readResult(): void {
    const result = this.results.shift();
    if (result) this.inDestination(result);
  }

  crashSource(): void {
    this.sourceUp = false;
    this.sourceActions = [];
  }

  startSource(): void {
    if (this.sourceUp) return;
    this.sourceUp = true;
    this.inSource({ type: "restarted" });
  }

  crashDestination(): void {
    this.destinationUp = false;
    this.destinationActions = [];
    this.results = [];
  }

  startDestination(): void {
    if (this.destinationUp) return;
    this.destinationUp = true;
    const verified = this.copy === "running" || this.copy === "exited";
    this.inDestination({ type: "restarted", verified, complete: !this.postcopy });
  }

  /** The destination's machine dies with all that runs on it and all that was on its way to it; then the operator says so. */
  loseDestinationAndForce(): void {
    if (!this.sourceUp || (this.source.at !== "offered" && this.source.at !== "passed")) return;
    this.crashDestination();
    if (this.copy !== "none") this.copy = "dead";
    this.network = this.network.filter((message) => message.to === "source");
    this.forced = true;
    this.inSource({ type: "force" });
  }

  /** Everything works from now on, for long enough. */
  heal(restoreWorks: boolean): void {
    this.startSource();
    this.startDestination();
    for (let round = 0; round < 12; round++) {
      for (let busy = true; busy; ) {
        busy =
          this.sourceActions.length + this.destinationActions.length + this.results.length + this.network.length > 0;
        while (this.sourceActions.length > 0) this.sourceActs();
        while (this.destinationActions.length > 0) this.destinationActs();
        this.restoreEnds(restoreWorks);
        while (this.results.length > 0) this.readResult();
        if (this.network.length > 0) this.deliver(0, false);
      }
      this.drain();
      this.inSource({ type: "tick" });
    }
  }

  private result(input: DestinationInput): void {
    if (this.destinationUp) this.results.push(input);
  }

  private check(): void {
    checkInvariants(this);
  }
}
