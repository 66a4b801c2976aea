import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Duplex, Readable, Writable } from "node:stream";
import { GodwitError } from "../../contract/errors.ts";
import { isGone } from "../../host/proc/gone.ts";
import { pageBytes } from "../../host/proc/page-size.ts";
import type { ContainerProcess } from "../../host/proc/processes.ts";
import { ExactReader } from "../../transport/streams/exact-read.ts";
import { decodeFrame, headerBytes } from "../pages/frames.ts";

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
  /** In the last round: hashes of all memory that has come follow it, and the destination compares them. */
  isVerified?: boolean;
  /** In the last round: gets the list of shared objects, before they are sent (runtime/criu/objects.c). */
  list?: string;
}

export interface SentRound {
  /** All private memory is read, and the list is written. */
  begun: Promise<void>;
  /** The destination has the round. @throws Error where the connection broke; the sender is of no more use then */
  arrived: Promise<void>;
}

/** The destination did not confirm a round. */
export class ConnectionBroke extends Error {}

/**
 * Sends the memory of processes in rounds, by the program godwit-memory (runtime/memory/main.c). Process ids are those of this host.
 * Orders are carried out in turn.
 */
export class MemorySender implements AsyncDisposable {
  readonly #program: ChildProcess;
  readonly #answers: ExactReader;
  readonly #frames: Readable;
  readonly #container: string;
  #turn: Promise<unknown> = Promise.resolve();

  /** `container` is a name for messages. */
  constructor(path: string, container: string) {
    this.#container = container;
    this.#program = spawn(path, ["send"], { stdio: ["pipe", "pipe", "inherit", "pipe"] });
    // Without the program every order fails.
    this.#program.on("error", () => {});
    this.#orders.on("error", () => {});
    this.#answers = new ExactReader(this.#program.stdout as Readable);
    this.#frames = this.#program.stdio[3] as Readable;
    this.#frames.on("error", () => {});
  }

  get pid(): number {
    return this.#program.pid ?? 0;
  }

  get #orders(): Writable {
    return this.#program.stdin as Writable;
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

  /** Sends a round: what has changed since the one before. `stream` is a connection to the destination's MemoryStore for it alone. */
  send(stream: Duplex, processes: readonly ContainerProcess[], round: Round): SentRound {
    const broken = () => this.#frames.destroy();
    stream.on("close", broken);
    this.#frames.pipe(stream, { end: false });
    const done = untilDone(stream).finally(() => {
      stream.off("close", broken);
      this.#frames.unpipe(stream);
      stream.end();
    });
    const read = this.#begin(processes, round);
    const sent = read.then(() => this.#finish(round));
    // Where nobody takes its frames, the program reads no further.
    const begun = Promise.race([read, done]);
    const arrived = Promise.all([Promise.race([sent, done]), done]).then(() => {});
    for (const promise of [sent, begun, arrived]) promise.catch(() => {});
    return { begun, arrived };
  }

  async #begin(processes: readonly ContainerProcess[], round: Round): Promise<void> {
    const { state, isPrivate, isShared, isVerified, list } = round;
    if (isShared) {
      await this.#ask("objects");
      for (const { hostPid } of processes) await this.#ask(`objects-of ${hostPid}`);
      if (list) await this.#ask(`list-objects ${list}`);
    }
    if (!isPrivate) return;
    for (const { process, parent } of parentsFirst(processes)) {
      const shares = parent ? ` ${parent.hostPid} ${parent.pid}` : "";
      await this.#unlessGone(`send ${process.hostPid} ${process.pid} ${state}${shares}`);
    }
    for (const { hostPid, pid } of isVerified ? processes : []) await this.#unlessGone(`hashes ${hostPid} ${pid}`);
  }

  async #finish({ isShared, isVerified }: Round): Promise<void> {
    if (isShared) await this.#ask("send-objects");
    if (isShared && isVerified) await this.#ask("hashes-of-objects");
    await this.#ask("go");
  }

  /** Ends all tracking. The processes keep nothing of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#frames.destroy();
    this.#orders.end();
    if (this.#program.exitCode === null && this.#program.signalCode === null && this.#program.pid)
      await once(this.#program, "exit");
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
    const answer = await this.#answers.read(answerBytes);
    if (!answer)
      throw new GodwitError(
        "command-failed",
        `The program that reads the memory of '${this.#container}' has ended before its answer.`,
      );
    const status = Number(answer.readBigInt64LE(0));
    if (status < 0) throw systemError(-status, order);
    return Number(answer.readBigUInt64LE(8));
  }
}

/** Every process after its parent: what they share by copy-on-write is sent with the parent. */
function parentsFirst(processes: readonly ContainerProcess[]) {
  const byPid = new Map(processes.map((process) => [process.hostPid, process]));
  const ordered: { process: ContainerProcess; parent: ContainerProcess | undefined }[] = [];
  // Ids that were read while processes came and went may form a circle.
  const begun = new Set<ContainerProcess>();
  const add = (process: ContainerProcess) => {
    if (begun.has(process)) return;
    begun.add(process);
    const parent = byPid.get(process.parent);
    if (parent) add(parent);
    ordered.push({ process, parent });
  };
  for (const process of processes) add(process);
  return ordered;
}

async function untilDone(stream: Duplex): Promise<void> {
  const header = await new ExactReader(stream).read(headerBytes);
  if (!header || decodeFrame(header).type !== "done")
    throw new ConnectionBroke("the connection broke before the memory had arrived");
}

function systemError(number: number, order: string): NodeJS.ErrnoException {
  const [code = "UNKNOWN"] = Object.entries(constants.errno).find(([, each]) => each === number) ?? [];
  return Object.assign(new Error(`${code}: ${order}`), { code, errno: -number });
}
