import { lookup } from "node:dns/promises";
import { sendsAllFrozen } from "../../../checks/modes.ts";
import { GodwitError } from "../../../contract/errors.ts";
import type { Compression } from "../../../contract/migration.ts";
import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { memoryPath } from "../../../host/paths.ts";
import { type ContainerProcess, containerProcesses, pidsBelow } from "../../../host/proc/processes.ts";
import {
  ConnectionBroke,
  MemorySender,
  type Pace,
  type Round,
  type SentRound,
} from "../../../memory/rounds/memory-sender.ts";
import { hostAndPort } from "../../../transport/peer.ts";
import { callPeer } from "../../../transport/peer-calls.ts";
import type { ByteCounter } from "../../../transport/streams/streams.ts";
import type { MemoryRounds, Move } from "../move.ts";

/** What takes longer than this to send is left to the freeze, or follows: somebody asked for that. */
const longestMs = 1000;
const mostLastRounds = 3;
/** Sending this takes no time that is worth another round. */
const smallBytes = 512 * 1024;
/** A round that leaves more than this share of what was left before it is not worth another one. */
const worthwhile = 0.75;

/** The rounds of this move, made by the first who asks. */
export function memoryRoundsOf(move: Move): MemoryRounds {
  move.memory ??= new Rounds(move);
  return move.memory;
}

/** The kernel tells which pages were written, and godwit-memory reads them. */
class Rounds implements MemoryRounds {
  readonly #move: Move;
  readonly #sender: MemorySender;
  /** Processes that are tracked, or cannot be: those give all of their memory in each round. */
  readonly #known = new Set<number>();
  #connected: Promise<void> | undefined;

  constructor(move: Move) {
    this.#move = move;
    this.#sender = move.undo.use(new MemorySender(memoryPath, move.record.container));
  }

  async send(counter: ByteCounter): Promise<number> {
    const { sendsAllPrivate, sendsPrivate: isPrivate, checked, controls, signal } = this.#move;
    await this.connect();
    const processes = await this.#processes();
    const state = sendsAllPrivate ? "live" : "shared";
    const round = { state, isPrivate, isShared: checked.sharesApart, tellsSharing: true } as const;
    const { arrived } = this.#sendAs(round, processes, signal, { rate: controls.syncRate, onSent: countInto(counter) });
    return arrived;
  }

  async connect(): Promise<void> {
    this.#connected ??= this.#connect();
    await this.#connected;
  }

  sendLast(round: Round, processes: readonly ContainerProcess[]): SentRound {
    const move = this.#move;
    const onVerified = (bytes: number) => {
      move.verifiedBytes = (move.verifiedBytes ?? 0) + bytes;
    };
    return this.#sendAs(round, processes, move.stop, { onSent: countInto(move.counter), onVerified });
  }

  /** `signal` cuts the connection. */
  #sendAs(round: Round, processes: readonly ContainerProcess[], signal: AbortSignal, pace: Pace): SentRound {
    const cut = () => this.#sender.cut();
    signal.addEventListener("abort", cut);
    const { begun, arrived } = this.#sender.send(processes, round, pace);
    const explain = explainRound(this.#move);
    const explained = {
      begun: begun.catch(explain),
      arrived: arrived.catch(explain).finally(() => signal.removeEventListener("abort", cut)),
    };
    for (const promise of Object.values(explained)) promise.catch(() => {});
    return explained;
  }

  async #connect(): Promise<void> {
    const { peer, record, request, signal } = this.#move;
    const { ticket, key } = await callPeer(
      peer,
      migrationProtocol.openMemory,
      { migration: record.migration },
      {},
      { signal },
    );
    const { host, port } = hostAndPort(peer.address);
    const { address } = await lookup(host);
    await this.#sender
      .connect({ host: address, port, ticket, key, level: levelOf(request.compress) })
      .catch((error) => explainConnection(this.#move, error));
  }

  async left(): Promise<number> {
    const { running, sendsAllPrivate } = this.#move;
    return this.#sender.changed(sendsAllPrivate ? await pidsBelow(running.cgroup) : []);
  }

  async beforeFreeze(): Promise<void> {
    const { context, counter, mode, rounds } = this.#move;
    // Nothing has gone before.
    if (sendsAllFrozen(mode)) return;
    if (rounds && rounds.sendingMs > longestMs) return;
    let left = await this.left();
    await context.step("last rounds", {}, async () => {
      for (let round = 0; round < mostLastRounds && left > smallBytes; round++) {
        await this.send(counter);
        const now = await this.left();
        if (now > left * worthwhile) return;
        left = now;
      }
    });
  }

  async #processes(): Promise<ContainerProcess[]> {
    const { migration, running, sendsPrivate } = this.#move;
    const found = await containerProcesses(running.cgroup);
    for (const { hostPid, command } of found) {
      if (!sendsPrivate || this.#known.has(hostPid)) continue;
      this.#known.add(hostPid);
      await this.#sender
        .track(hostPid)
        .catch((error) => migration.deps.log.info({ err: error, command }, "a process is not tracked"));
    }
    return found;
  }
}

const countInto = (counter: ByteCounter) => (bytes: number, saved: number) => {
  counter.sent += bytes;
  counter.saved = (counter.saved ?? 0) + saved;
};

/** As godwit-memory calls them. */
const levelOf = (wanted: Compression) => (wanted === "auto" ? -1 : wanted === "off" ? 0 : wanted);

/** Says whose memory did not arrive. @throws transfer-failed; what the program itself said */
const explainRound =
  ({ peer, record }: Move) =>
  (error: unknown): never => {
    if (!(error instanceof ConnectionBroke)) throw error;
    throw new GodwitError(
      "transfer-failed",
      `The connection to ${peer.name} broke while memory of '${record.container}' was sent.`,
      { hint: "The container runs on. Try the move again.", cause: error },
    );
  };

function explainConnection({ peer, record }: Move, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  throw new GodwitError(
    "transfer-failed",
    `No connection to ${peer.name} (${peer.address}) for the memory of '${record.container}': ${code}.`,
    {
      hint: "What stands between the hosts must pass TCP connections to that port as they are, and not end TLS itself.",
      cause: error,
    },
  );
}
