import { modes } from "../../../checks/modes.ts";
import { GodwitError } from "../../../contract/errors.ts";
import type { PlainMode } from "../../../contract/migration.ts";
import { bytes } from "../../../contract/units.ts";
import type { MemoryRounds, Move, RoundsOutcome } from "../move.ts";
import { type ConvergenceDecision, decide } from "./convergence.ts";
import { sendTrees } from "./files/rounds.ts";
import { memoryRoundsOf } from "./memory-rounds.ts";
import { switchoverCost } from "./switchover-cost.ts";

/**
 * Sends the memory of a running container in rounds, and beside them what has changed in its files, until what is left fits the
 * downtime limit or the user wants something else. The destination is armed when it returns.
 * `armFor` arms it, unless that must wait for the freeze.
 * @throws not-converging where that is what the user wants; dump-failed, no-space; the container keeps running
 */
export async function sendMemoryInRounds(
  move: Move,
  armFor: (mode: PlainMode) => Promise<void>,
): Promise<RoundsOutcome> {
  const { controls, signal, context } = move;
  const rounds = new Rounds(move);
  controls.switchable = true;
  try {
    for (let armed = move.hasTerminal; ; ) {
      await rounds.send();
      let decision = await rounds.decide();
      if (decision.next === "switchover" && !armed) {
        move.enter("arm", `${decision.because} Docker on ${move.peer.name} prepares the container`);
        await armFor(modes.precopy.name);
        armed = true;
        // The container kept running meanwhile.
        decision = await rounds.decideAgain();
      }
      signal.throwIfAborted();
      if (decision.next === "abort") throw notConverging(decision);
      if (decision.next === "postcopy") {
        context.warn(`${decision.because} Going on with post-copy.`);
        await armFor(modes.postcopy.name);
      }
      if (decision.next === "round") move.enter("sync", `${decision.because} Another round follows`);
      else return rounds.outcome(decision.next === "postcopy");
    }
  } finally {
    controls.switchable = false;
  }
}

function notConverging({ because }: ConvergenceDecision): GodwitError {
  return new GodwitError("not-converging", because, {
    hint: "Raise --downtime-limit above what is expected, move it when it writes less, or let it end otherwise with --on-no-convergence postcopy or switchover.",
  });
}

/** Less than this says nothing about a link: it fits into the buffers on the way. */
const tellingBytes = 4 * 2 ** 20;

class Rounds {
  readonly #move: Move;
  /** What a switchover of this host takes beside sending memory, in ms. */
  readonly #fixedMs: number;
  /** Bytes of memory per second in the last round that was large enough to tell; null before. */
  #bandwidth: number | null = null;
  readonly #memory: MemoryRounds;
  /** Bytes that were written to since each round. */
  readonly #left: number[] = [];
  #round = 0;
  #begunAt = 0;

  constructor(move: Move) {
    this.#move = move;
    this.#fixedMs = switchoverCost(move.migration.deps.journal);
    this.#memory = memoryRoundsOf(move);
  }

  async send(): Promise<void> {
    const { files, controls, reports, signal, context, checked } = this.#move;
    this.#round += 1;
    const total = this.#left.at(-1) ?? checked.plan.memoryBytes;
    const transfer = { phase: "sync", iteration: this.#round, total };
    this.#move.enter("sync", `Round ${this.#round} of memory: ${bytes(total)}`);
    await context.step(`memory round ${this.#round}`, {}, () =>
      reports.during(transfer, async () => {
        const sent = [this.#sendMemory(), sendTrees(files, signal, controls.syncRate)];
        for (const ended of await Promise.allSettled(sent)) if (ended.status === "rejected") throw ended.reason;
      }),
    );
  }

  async decide(): Promise<ConvergenceDecision> {
    const { reports } = this.#move;
    const left = await this.#memory.left();
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

  outcome(restFollows: boolean): RoundsOutcome {
    const leftBytes = this.#left.at(-1) ?? 0;
    const bandwidth = this.#bandwidth;
    return {
      restFollows,
      leftBytes,
      sendingMs: bandwidth ? (leftBytes / bandwidth) * 1000 : 0,
    };
  }

  #decision(): ConvergenceDecision {
    const { controls, checked } = this.#move;
    return decide({
      left: this.#left,
      memoryBytes: checked.plan.memoryBytes,
      bandwidth: this.#bandwidth,
      fixedMs: this.#fixedMs,
      limitMs: controls.downtimeLimitMs,
      switchRequested: controls.switchRequested,
      onNoConvergence: checked.onNoConvergence,
    });
  }

  async #sendMemory(): Promise<void> {
    this.#begunAt = performance.now();
    const sent = await this.#memory.send(this.#move.counter);
    const ms = performance.now() - this.#begunAt;
    if (sent >= tellingBytes && ms > 0) this.#bandwidth = Math.round((sent / ms) * 1000);
  }
}
