import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorReport, errorFromReport, GodwitError } from "../../contract/errors.ts";
import { type BatonAnswer, type BatonOffer, batonAnswer, type CriuRestoreStats } from "../../contract/migration.ts";
import type { Step } from "../../contract/operations.ts";
import { isFrozen, thaw } from "../../host/cgroup/freezer.ts";
import { endDumps } from "../../host/criu/dump/end-dumps.ts";
import type { Host } from "../../host/host.ts";
import { announce } from "../../host/network/announce.ts";
import { endWithoutLeftovers } from "../../host/network/leftover-connections.ts";
import { endConnections, unsilenceNetwork } from "../../host/network/network-silence.ts";
import { containerProcesses } from "../../host/proc/processes.ts";
import { runcContainer } from "../../host/runtime/runc.ts";
import type { Journal } from "../../journal/journal.ts";
import { FrozenMemory } from "../../memory/frozen-memory.ts";
import type { Peer } from "../../transport/peer.ts";
import { RateLimit } from "../../transport/rate-limit.ts";
import { type SourceAction, type SourceInput, sourceIsDone, sourceStep } from "../baton/source.ts";
import { peerPaths } from "../peer-paths.ts";
import { PageService } from "./page-service.ts";
import { type DepartureRecord, departureKind } from "./record.ts";

/** A restore may take long on a slow disk; whoever asks later gets the same answer. */
const offerTimeoutMs = 120_000;
const wordTimeoutMs = 5_000;
/** Longer than the destination lets such a request wait. */
const completedTimeoutMs = 20_000;
const retryMs = 500;

/** One migration on its source: the baton's machine, with the journal below it and the original container in its hands. */
export class Departure {
  readonly record: DepartureRecord;
  readonly #host: Host;
  readonly #journal: Journal;
  readonly #peer: () => Peer;
  /** Why the destination did not keep it, in its own words. */
  refusal: ErrorReport | null = null;
  /** In post-copy: what serves the pages of the frozen original. */
  pages: PageService | undefined;
  /** They cannot be served any more, and the destination has not heard of it yet. */
  #lost = false;
  /** It was given back, and there was nothing left to go on. */
  #ended = false;
  /** Whether the destination has said that it runs there. */
  ranThere = false;
  /** What the destination measured. */
  steps: Step[] = [];
  criu: CriuRestoreStats | null = null;
  /** See BatonAnswer. */
  entryMs: number | null = null;
  #offer: BatonOffer | undefined;
  #ending: Promise<void> | undefined;

  /** `peer` may throw: a host that is not configured any more does not answer. */
  constructor(host: Host, journal: Journal, peer: () => Peer, record: DepartureRecord) {
    this.#host = host;
    this.#journal = journal;
    this.#peer = peer;
    this.record = record;
  }

  save(): void {
    this.#journal.putRecord(departureKind, this.record.migration, this.record);
  }

  /** The journal need not know it any longer. One that was never offered is not waited for: its destination gives up alone. */
  forget(): void {
    const { state } = this.record;
    if (sourceIsDone(state) || (state.at === "holds" && state.ended === "cancelled"))
      this.#journal.deleteRecord(departureKind, this.record.migration);
  }

  /** Keeps Docker from starting the original anew; given back if it stays here. */
  async holdRestartPolicy(): Promise<void> {
    const { HostConfig } = await this.#host.engine.inspect(this.record.containerId);
    const policy = HostConfig.RestartPolicy;
    if (HostConfig.AutoRemove || !policy?.Name || policy.Name === "no") return;
    this.record.restartPolicy = policy;
    this.save();
    await this.#host.engine.setRestartPolicy(this.record.containerId, { Name: "no" });
  }

  /** Offers the baton of the frozen, dumped container; returns with the destination's word, or without one where it was lost. */
  async offer(offer: BatonOffer): Promise<void> {
    this.#offer = offer;
    await this.apply({ type: "offer" });
  }

  /** Gives up what was not passed on yet. */
  async cancel(): Promise<void> {
    await this.apply({ type: "cancel" });
  }

  /** The journal is written before anything follows from the input. Answers of the destination are inputs of their own. */
  async apply(input: SourceInput): Promise<void> {
    const { state, actions } = sourceStep(this.record.state, input);
    this.record.state = state;
    this.save();
    for (const action of actions) await this.#act(action);
  }

  /** Asks on until the destination's word has settled the matter, or the time is over. Whether it is settled. */
  async settle(until: () => boolean, deadlineMs: number): Promise<boolean> {
    const deadline = performance.now() + deadlineMs;
    while (!until()) {
      if (performance.now() > deadline) return false;
      await sleep(retryMs);
      await this.apply({ type: "tick" });
    }
    return true;
  }

  /**
   * Waits, as long as the destination answers, until it needs nothing more from here and the original has been ended, or until it
   * has returned the container. It is left `passed` where nothing was heard for `silenceMs`.
   */
  async complete(silenceMs: number, drained: () => void): Promise<void> {
    let heardAt = performance.now();
    while (this.record.state.at === "passed" && performance.now() - heardAt < silenceMs) {
      const answer = await this.#ask(peerPaths.completed(this.record.migration), {}, completedTimeoutMs);
      if (answer) {
        heardAt = performance.now();
        if (answer.complete) drained();
        await this.#hear(answer);
      } else await sleep(retryMs);
    }
  }

  /** Serves the memory of the frozen original, in the background. */
  servePages(service: PageService, memory: FrozenMemory): void {
    this.pages = service;
    service.serve(memory).catch(() => {
      this.#lost = true;
      return this.tellLost();
    });
  }

  /** After a restart in post-copy: goes on serving pages, for a destination that may run it. */
  async serveAgain(): Promise<void> {
    const { state, mode, containerId, migration } = this.record;
    if (mode !== "postcopy" || (state.at !== "passed" && state.at !== "offered")) return;
    const open = () => this.#peer().tunnel(peerPaths.pages(migration));
    const running = await runcContainer(containerId).catch(() => undefined);
    if (running) await endDumps(running.id);
    // One that runs has not the memory any more that it was dumped with.
    if (running && (await isFrozen(running)))
      this.servePages(new PageService(async () => open(), new RateLimit(null)), await FrozenMemory.open(running));
    else this.#lost = true;
  }

  /** What waits for a page that will not come must not wait for ever. */
  async tellLost(): Promise<void> {
    if (!this.#lost) return;
    await this.#peer()
      .json("POST", peerPaths.lost(this.record.migration), {})
      .then(
        () => {
          this.#lost = false;
        },
        () => {},
      );
  }

  /** What to tell a user whose container stays here. */
  reason(): GodwitError {
    const { container, destination } = this.record;
    if (this.#ended) {
      return new GodwitError(
        "container-exited",
        `The frozen original of '${container}' ended before all of its memory was on ${destination}, so that the copy there was ended, too.`,
        { hint: `Its files are as they were when it was frozen; start it anew: docker start ${container}` },
      );
    }
    if (this.refusal) return errorFromReport(this.refusal);
    return new GodwitError("transfer-failed", `${destination} did not take '${container}'.`);
  }

  async #act(action: SourceAction): Promise<void> {
    const { migration } = this.record;
    if (action.do === "thaw") return this.#letRun();
    if (action.do === "kill-original") return this.#endOriginal();
    if (action.do === "send-offer") {
      const answer = this.#offer && (await this.#ask(peerPaths.offer(migration), this.#offer, offerTimeoutMs));
      if (answer) await this.#hear(answer);
      return;
    }
    const question = { revoke: action.do === "revoke", forced: action.do === "revoke" && action.forced };
    const answer = await this.#ask(peerPaths.baton(migration), question, wordTimeoutMs);
    if (answer) await this.#hear(answer);
  }

  async #hear(answer: BatonAnswer): Promise<void> {
    this.steps = answer.steps;
    this.criu = answer.criu;
    this.entryMs = answer.entryMs;
    if (answer.word === "running") this.#ranThere();
    this.refusal ??= answer.error;
    await this.apply({ type: "word", word: answer.word, complete: answer.complete });
  }

  /** Undefined where no answer came: the other side may have acted on the question, or not. */
  async #ask(path: string, body: unknown, timeoutMs: number): Promise<BatonAnswer | undefined> {
    try {
      return batonAnswer.parse(await this.#peer().json("POST", path, body, { timeoutMs }));
    } catch {
      return undefined;
    }
  }

  /** Peers of what does not go on hear so at once, and not when the original goes, which waits for its memory to be fetched. */
  #ranThere(): void {
    if (this.ranThere) return;
    this.ranThere = true;
    if (this.record.keepConnections) return;
    this.#ending = runcContainer(this.record.containerId)
      .then(({ pid }) => endConnections(pid))
      .catch(() => {});
  }

  async #letRun(): Promise<void> {
    const running = await runcContainer(this.record.containerId).catch(() => undefined);
    this.#ended = !running || (await containerProcesses(running.cgroup)).length === 0;
    if (running) {
      this.pages?.close();
      await endDumps(running.id);
      await unsilenceNetwork(running.pid).catch(() => {});
      await thaw(running);
      // The other host may have said that its addresses are there.
      if (this.record.keepConnections) announce(running.pid);
    }
    if (!this.record.restartPolicy) return;
    if (await this.#host.engine.find(this.record.containerId)) {
      await this.#host.engine.setRestartPolicy(this.record.containerId, this.record.restartPolicy);
    }
  }

  async #endOriginal(): Promise<void> {
    this.pages?.close();
    // What the kernel says to its peers when it goes must reach them.
    await this.#ending;
    await endWithoutLeftovers(this.record.containerId, () => this.#host.engine.killAndWait(this.record.containerId));
    if (this.record.keepSource) return;
    await this.#host.engine.remove(this.record.containerId, { force: true });
    // A volume that another container uses stays: Docker refuses to remove it.
    for (const volume of this.record.volumes) await this.#host.engine.removeVolume(volume).catch(() => {});
  }
}
