import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { GodwitError } from "../../contract/errors.ts";
import { isGone } from "../../host/proc/gone.ts";
import { pageBytes } from "../../host/proc/page-size.ts";
import { ExactReader } from "../../transport/streams/exact-read.ts";
import type { RateLimit } from "../../transport/streams/rate-limit.ts";
import { allow } from "./allowance.ts";
import { parentsFirst, type SentProcess } from "./parents-first.ts";
import { systemError } from "./system-error.ts";

const longestEndMs = 2_000;
/** Of an answer: an int64 and a uint64. */
const answerBytes = 16;

export interface Round {
  /**
   * `live`: the processes run. `shared`: the same, and of private memory only what several processes share by copy-on-write is sent.
   * `frozen`: they stand still, and this is the last round. `named`: the same, and of private memory that has changed nothing but the
   * numbers of its pages is sent.
   */
  state: "live" | "shared" | "frozen" | "named";
  /** Whether it has the processes' private memory, and the objects that they share. */
  isPrivate: boolean;
  isShared: boolean;
  /** Pages that a process shares with its parent by copy-on-write are told, and not sent again (`MemoryStore.look`). */
  tellsSharing?: boolean;
  /** In the last round: hashes of all memory that has come follow it, and the destination compares them. */
  isVerified?: boolean;
  /** In the last round: gets the list of shared objects, before they are sent (runtime/criu/objects.c). */
  list?: string;
}

export interface SentRound {
  /** All private memory is read, and the list is written. */
  begun: Promise<void>;
  /** The destination has the round: so many bytes of memory. @throws ConnectionBroke; the sender is of no more use then */
  arrived: Promise<number>;
}

/** Where a MemoryStore on another host is. */
export interface StoreAddress {
  /** Of its agent: numbers. */
  host: string;
  port: number;
  /** See src/transport/tickets.ts. */
  ticket: string;
  /** Hexadecimal digits. */
  key: string;
  /** Of zstd; 0: none, -1: the one that takes the least time. */
  level: number;
}

/** What a round obeys, and where it tells how far it is. */
export interface Pace {
  rate?: RateLimit | undefined;
  /** More bytes went, and more did not have to, because they were compressed. */
  onSent?: (bytes: number, saved: number) => void;
  /** Hashes of so many bytes of memory went. */
  onVerified?: (bytes: number) => void;
}

type Verified = NonNullable<Pace["onVerified"]>;

/** Between answers it tells how many bytes it has sent, and how many compression has saved. */
const isReport = (status: bigint) => status > 0n;
const sentReport = 1n;

/** The destination did not confirm a round. */
export class ConnectionBroke extends Error {}

/**
 * Sends the memory of processes in rounds, by the program godwit-memory (runtime/memory/main.c). Process ids are those of this host.
 * Orders are carried out in turn.
 */
export class MemorySender implements AsyncDisposable {
  readonly #program: ChildProcess;
  readonly #answers: ExactReader;
  readonly #container: string;
  readonly #exited: Promise<unknown>;
  #sent = 0;
  #saved = 0;
  #onSent: (bytes: number, saved: number) => void = () => {};
  #turn: Promise<unknown> = Promise.resolve();

  /** `container` is a name for messages. */
  constructor(path: string, container: string) {
    this.#container = container;
    this.#program = spawn(path, ["send"], { stdio: ["pipe", "pipe", "inherit", "pipe"] });
    // Without the program every order fails.
    this.#program.on("error", () => {});
    for (const stream of [this.#orders, this.#allowances]) stream.on("error", () => {});
    this.#exited = once(this.#program, "exit").catch(() => {});
    this.#answers = new ExactReader(this.#program.stdout as Readable);
  }

  get pid(): number {
    return this.#program.pid ?? 0;
  }

  get #orders(): Writable {
    return this.#program.stdin as Writable;
  }

  get #allowances(): Writable {
    return this.#program.stdio[3] as Writable;
  }

  /** Where its rounds go. @throws an error with the system's code, such as ECONNREFUSED */
  async connect({ host, port, ticket, key, level }: StoreAddress): Promise<void> {
    await this.#ask(`connect ${host} ${port} ${ticket} ${key} ${level}`);
  }

  /** The same for a store of this host, by the path of a socket. */
  async connectHere(socket: string): Promise<void> {
    await this.#ask(`connect-here ${socket}`);
  }

  /**
   * Begins to track a running process. It stands still for about a millisecond.
   * @throws an error with the system's code where it cannot be tracked: its rounds then have all of its memory
   */
  async track(pid: number): Promise<void> {
    await this.#ask(`track ${pid}`);
  }

  /** Whether devices may write into the memory of a process: what they write cannot be tracked. */
  async isPinned(pid: number): Promise<boolean> {
    return (await this.#ask(`pinned ${pid}`)) > 0;
  }

  /** Bytes that a round would send now: of these processes, and of shared objects that the rounds before have sent. */
  async changed(pids: readonly number[]): Promise<number> {
    let pages = await this.#ask("count-objects");
    for (const pid of pids) pages += await this.#unlessGone(`count ${pid}`);
    return pages * pageBytes;
  }

  /** Sends a round: what has changed since the one before. It must be connected. */
  send(
    processes: readonly SentProcess[],
    round: Round,
    { rate, onSent = () => {}, onVerified = () => {} }: Pace = {},
  ): SentRound {
    const ended = new AbortController();
    const begun = this.#turn.then(() => {
      this.#onSent = onSent;
      if (rate) void allow(this.#allowances, rate, () => this.#sent, ended.signal);
      return this.#begin(processes, round, onVerified);
    });
    const arrived = begun
      .then(async (pages) => (pages + (await this.#finish(round, onVerified))) * pageBytes)
      .finally(() => ended.abort());
    const read = begun.then(() => {});
    for (const promise of [read, arrived]) promise.catch(() => {});
    return { begun: read, arrived };
  }

  /** Ends it at once, while it sends or waits: what it sends does not arrive. */
  cut(): void {
    this.#program.kill("SIGKILL");
  }

  /** @returns how many pages of processes were sent */
  async #begin(processes: readonly SentProcess[], round: Round, onVerified: Verified): Promise<number> {
    const { state, isPrivate, isShared, isVerified, tellsSharing, list } = round;
    if (isShared) {
      await this.#ask("objects");
      for (const { hostPid } of processes) await this.#ask(`objects-of ${hostPid}`);
      if (list) await this.#ask(`list-objects ${list}`);
    }
    let pages = 0;
    if (!isPrivate) return pages;
    for (const { process, parent } of parentsFirst(processes)) {
      const shares = parent && tellsSharing ? ` ${parent.hostPid} ${parent.pid}` : "";
      pages += await this.#unlessGone(`send ${process.hostPid} ${process.pid} ${state}${shares}`);
    }
    for (const { hostPid, pid } of isVerified ? processes : [])
      onVerified((await this.#unlessGone(`hashes ${hostPid} ${pid}`)) * pageBytes);
    return pages;
  }

  /** @returns how many pages of shared objects were sent */
  async #finish({ isShared, isVerified }: Round, onVerified: Verified): Promise<number> {
    const pages = isShared ? await this.#ask("send-objects") : 0;
    if (isShared && isVerified) onVerified((await this.#ask("hashes-of-objects")) * pageBytes);
    await this.#ask("go");
    return pages;
  }

  /** Ends all tracking. The processes keep nothing of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#orders.end();
    if (!this.#program.pid) return;
    // It ends at once, unless it sends to somebody who takes nothing.
    const stuck = setTimeout(() => this.cut(), longestEndMs).unref();
    await this.#exited;
    clearTimeout(stuck);
  }

  /** 0 for a process that has ended. */
  async #unlessGone(order: string): Promise<number> {
    try {
      return await this.#ask(order);
    } catch (error) {
      if (isGone(error)) return 0;
      throw error;
    }
  }

  /** @returns the number of pages in the answer */
  #ask(order: string): Promise<number> {
    const answer = this.#turn.then(() => this.#answer(order));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async #answer(order: string): Promise<number> {
    this.#orders.write(`${order}\n`);
    for (;;) {
      const answer = await this.#answers.read(answerBytes);
      if (!answer) throw await this.#whyItEnded();
      const [status, number] = [answer.readBigInt64LE(0), Number(answer.readBigUInt64LE(8))];
      if (status < 0) throw systemError(-Number(status), order);
      if (!isReport(status)) return number;
      if (status === sentReport) {
        this.#onSent(number - this.#sent, 0);
        this.#sent = number;
      } else {
        this.#onSent(0, number - this.#saved);
        this.#saved = number;
      }
    }
  }

  async #whyItEnded(): Promise<Error> {
    await this.#exited;
    if (this.#program.exitCode === constants.errno.EPIPE) return new ConnectionBroke("the connection broke");
    return new GodwitError(
      "command-failed",
      `The program that reads the memory of '${this.#container}' has ended before its answer.`,
    );
  }
}
