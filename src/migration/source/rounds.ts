import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import type { NoConvergence } from "../../contract/migration.ts";
import { bytes } from "../../contract/units.ts";
import { preDump } from "../../host/criu/dump/pre-dump.ts";
import { pidsBelow } from "../../host/proc/processes.ts";
import type { ImageSpace } from "../../host/restore/image-space.ts";
import type { RuncContainer } from "../../host/runtime/runc.ts";
import { changedMemory } from "../../memory/changed-memory.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import { counted, joinStreams } from "../../transport/streams.ts";
import type { MigrationControls } from "../controls.ts";
import { type ConvergenceDecision, decide } from "../convergence.ts";
import { peerPaths } from "../peer-paths.ts";
import { type FileSync, sendTrees } from "./files.ts";
import { MemoryCounter } from "./memory-counter.ts";
import type { ProgressReports } from "./progress-reports.ts";

export interface RoundsInput {
  running: RuncContainer;
  sync: FileSync;
  controls: MigrationControls;
  reports: ProgressReports;
  /** CRIU keeps a little of each round here. */
  space: ImageSpace;
  signal: AbortSignal;
  /** Resident memory of the container. */
  memoryBytes: number;
  /** What a switchover of this host takes beside sending memory, in ms. */
  fixedMs: number;
  onNoConvergence: NoConvergence;
  /** Has the destination armed, for the mode that follows; undefined for a container that is armed under the freeze. */
  arm: ((mode: "precopy" | "postcopy") => Promise<void>) | undefined;
}

export interface RoundsOutcome {
  mode: "precopy" | "postcopy";
  /** Images of the last round, as a path from `space.images`. */
  parent: string;
  /** What is left to send, in bytes, and how long that is expected to take, in ms. */
  leftBytes: number;
  sendingMs: number;
}

/**
 * Sends the memory of a running container in rounds, and beside them what has changed in its files, until what is left fits the
 * downtime limit or the user wants something else. The destination is armed when it returns.
 * @throws not-converging where that is what the user wants; dump-failed, no-space; the container runs on
 */
export async function memoryRounds(input: RoundsInput, context: OperationContext): Promise<RoundsOutcome> {
  const { controls, signal, arm } = input;
  const rounds = new Rounds(input);
  controls.switchable = true;
  try {
    let armed = arm === undefined;
    for (;;) {
      await rounds.send(context);
      let decision = await rounds.decide();
      if (decision.next === "switchover" && !armed) {
        context.phase("arm", `${decision.because} Docker on ${input.sync.peer.name} prepares the container`);
        await context.step("arm", {}, async () => arm?.("precopy"));
        armed = true;
        // The container ran on meanwhile.
        decision = await rounds.decideAgain();
      }
      signal.throwIfAborted();
      if (decision.next === "abort") throw notConverging(decision);
      if (decision.next === "postcopy") {
        context.warn(`${decision.because} Going on with post-copy.`);
        if (arm) await context.step("arm", {}, () => arm("postcopy"));
      }
      if (decision.next === "round") context.phase("sync", `${decision.because} Another round follows`);
      else return rounds.outcome(decision.next === "postcopy" ? "postcopy" : "precopy");
    }
  } finally {
    controls.switchable = false;
  }
}

function notConverging({ because }: ConvergenceDecision): GodwitError {
  return new GodwitError("not-converging", because, {
    hint: "Raise --downtime-limit, move it when it writes less, or let it end otherwise with --on-no-convergence postcopy or switchover.",
  });
}

class Rounds {
  readonly #input: RoundsInput;
  readonly #counter: MemoryCounter;
  /** Bytes that were written to since each round. */
  readonly #left: number[] = [];
  #round = 0;
  #begunAt = 0;

  constructor(input: RoundsInput) {
    this.#input = input;
    this.#counter = new MemoryCounter(input.sync.counter);
  }

  async send(context: OperationContext): Promise<void> {
    const { sync, controls, reports, signal, memoryBytes } = this.#input;
    this.#round += 1;
    const total = this.#left.at(-1) ?? memoryBytes;
    // Before them there was a round of files alone.
    const transfer = { phase: "sync", iteration: this.#round + 1, total };
    context.phase("sync", `Round ${this.#round} of memory: ${bytes(total)}`);
    await context.step(`memory round ${this.#round}`, {}, () =>
      reports.during(transfer, async () => {
        const sent = [this.#sendMemory(), sendTrees(sync, signal, controls.syncRate)];
        for (const ended of await Promise.allSettled(sent)) if (ended.status === "rejected") throw ended.reason;
      }),
    );
  }

  async decide(): Promise<ConvergenceDecision> {
    const { running, reports } = this.#input;
    const left = await changedMemory(await pidsBelow(running.cgroup));
    this.#left.push(left);
    const decision = this.#decision();
    reports.meter.dirtyRate = Math.round((left / (performance.now() - this.#begunAt)) * 1000);
    reports.meter.expectedDowntime = decision.expectedDowntimeMs;
    return decision;
  }

  /** With what is left now. */
  decideAgain(): Promise<ConvergenceDecision> {
    this.#left.pop();
    return this.decide();
  }

  outcome(mode: RoundsOutcome["mode"]): RoundsOutcome {
    const leftBytes = this.#left.at(-1) ?? 0;
    const bandwidth = this.#counter.bandwidth;
    return {
      mode,
      parent: join("..", "pages", String(this.#round)),
      leftBytes,
      sendingMs: bandwidth ? (leftBytes / bandwidth) * 1000 : 0,
    };
  }

  #decision(): ConvergenceDecision {
    const { controls, memoryBytes, fixedMs, onNoConvergence } = this.#input;
    return decide({
      left: this.#left,
      memoryBytes,
      bandwidth: this.#counter.bandwidth,
      fixedMs,
      limitMs: controls.downtimeLimitMs,
      switchRequested: controls.switchRequested,
      onNoConvergence,
    });
  }

  async #sendMemory(): Promise<void> {
    const { running, sync, controls, space, signal } = this.#input;
    signal.throwIfAborted();
    const tunnel = counted(await sync.peer.tunnel(peerPaths.pages(sync.migration)), this.#counter, controls.syncRate);
    tunnel.on("error", () => {});
    const abort = () => tunnel.destroy();
    signal.addEventListener("abort", abort);
    this.#begunAt = performance.now();
    this.#counter.beginRound();
    try {
      await preDump({
        container: running,
        images: join(space.pages, String(this.#round)),
        parent: this.#round > 1 ? join("..", String(this.#round - 1)) : undefined,
        join: (criu) => void joinStreams(criu, tunnel).catch(() => {}),
      });
      this.#counter.endRound();
    } finally {
      signal.removeEventListener("abort", abort);
      tunnel.destroy();
    }
  }
}
