import { join } from "node:path";
import { sendsAllFrozen } from "../../../checks/modes.ts";
import { GodwitError } from "../../../contract/errors.ts";
import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { preDump } from "../../../host/criu/dump/pre-dump.ts";
import { memoryPath } from "../../../host/paths.ts";
import { type ContainerProcess, containerProcesses, pidsBelow } from "../../../host/proc/processes.ts";
import { changedMemory } from "../../../memory/changed-memory.ts";
import { ConnectionBroke, MemorySender } from "../../../memory/rounds/memory-sender.ts";
import { streamToPeer } from "../../../transport/peer-calls.ts";
import { type ByteCounter, counted, joinStreams } from "../../../transport/streams/streams.ts";
import type { MemoryRounds, Move, OwnRounds } from "../move.ts";

/** What takes longer than this to send is left to the freeze, or follows: somebody asked for that. */
const longestMs = 1000;
const mostLastRounds = 3;
/** Sending this takes no time that is worth another round. */
const smallBytes = 512 * 1024;
/** A round that leaves more than this share of what was left before it is not worth another one. */
const worthwhile = 0.75;

/** CRIU's pre-dump, where the kernel marks changed pages (soft-dirty). */
export const preDumpRounds = (move: Move): MemoryRounds => ({
  async send(round, counter) {
    const { running, space } = move;
    const tunnel = await openTunnel(move, "pages", counter);
    try {
      await preDump({
        container: running,
        images: join(space.pages, String(round)),
        parent: round > 1 ? join("..", String(round - 1)) : undefined,
        join: (criu) => void joinStreams(criu, tunnel.stream).catch(() => {}),
      });
    } finally {
      tunnel.close();
    }
  },
  left: async () => changedMemory(await pidsBelow(move.running.cgroup)),
});

/** godwit's own rounds of this move, made by the first who asks. */
export function ownRoundsOf(move: Move): OwnRounds {
  move.ownRounds ??= new TrackedRounds(move);
  return move.ownRounds;
}

/** The kernel tells which pages were written, and godwit-memory reads them. */
class TrackedRounds implements OwnRounds {
  readonly #move: Move;
  readonly sender: MemorySender;
  /** Processes that are tracked, or cannot be: those give all of their memory in each round. */
  readonly #known = new Set<number>();

  constructor(move: Move) {
    this.#move = move;
    this.sender = move.undo.use(new MemorySender(memoryPath, move.record.container));
  }

  async send(_round: number, counter: ByteCounter): Promise<void> {
    const tunnel = await openTunnel(this.#move, "memoryRound", counter);
    try {
      const { tracksPages: isPrivate, sendsAllInRounds, checked } = this.#move;
      const state = sendsAllInRounds ? "live" : "shared";
      const round = { state, isPrivate, isShared: checked.sharesApart } as const;
      const { arrived } = this.sender.send(tunnel.stream, await this.#processes(), round);
      await arrived.catch(explainRound(this.#move));
    } finally {
      tunnel.close();
    }
  }

  async left(): Promise<number> {
    const { running, sendsAllInRounds } = this.#move;
    return this.sender.changed(sendsAllInRounds ? await pidsBelow(running.cgroup) : []);
  }

  async beforeFreeze(): Promise<void> {
    const { context, counter, mode, rounds } = this.#move;
    if ((rounds && rounds.sendingMs > longestMs) || sendsAllFrozen(mode)) return;
    let left = await this.left();
    await context.step("last rounds", {}, async () => {
      for (let round = 0; round < mostLastRounds && left > smallBytes; round++) {
        await this.send(round, counter);
        const now = await this.left();
        if (now > left * worthwhile) return;
        left = now;
      }
    });
  }

  async #processes(): Promise<ContainerProcess[]> {
    const { migration, running, tracksPages } = this.#move;
    const found = await containerProcesses(running.cgroup);
    for (const { hostPid, command } of found) {
      if (!tracksPages || this.#known.has(hostPid)) continue;
      this.#known.add(hostPid);
      await this.sender
        .track(hostPid)
        .catch((error) => migration.deps.log.info({ err: error, command }, "a process is not tracked"));
    }
    return found;
  }
}

/** Says whose memory did not arrive. @throws transfer-failed; what the program itself said */
export const explainRound =
  ({ peer, record }: Move) =>
  (error: unknown): never => {
    if (!(error instanceof ConnectionBroke)) throw error;
    throw new GodwitError(
      "transfer-failed",
      `The connection to ${peer.name} broke while memory of '${record.container}' was sent.`,
      { hint: "The container runs on. Try the move again.", cause: error },
    );
  };

/** A connection to the destination that the move's end cuts. */
async function openTunnel(move: Move, kind: "pages" | "memoryRound", counter: ByteCounter) {
  const { controls, peer, record, signal } = move;
  signal.throwIfAborted();
  const opened = await streamToPeer(peer, migrationProtocol[kind], { migration: record.migration });
  const stream = counted(opened, counter, controls.syncRate);
  stream.on("error", () => {});
  const abort = () => stream.destroy();
  signal.addEventListener("abort", abort);
  return {
    stream,
    close() {
      signal.removeEventListener("abort", abort);
      stream.destroy();
    },
  };
}
