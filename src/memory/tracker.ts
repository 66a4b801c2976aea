import { type ChildProcessByStdio, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { GodwitError } from "../contract/errors.ts";

/** Pages by their number, address / 4096. */
export interface ChangedRun {
  first: number;
  count: number;
  /** Their contents must be sent. Otherwise they are not populated any more: the destination must forget them. */
  isSent: boolean;
}

const headerBytes = 8;
const runBytes = 16;

/**
 * Which pages of processes were written since the round before, by the program godwit-memory (runtime/memory/), which uses
 * PAGEMAP_SCAN. Process ids are those of this host. Questions are answered in turn.
 */
export class MemoryTracker implements AsyncDisposable {
  readonly #program: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<void>;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #wake: () => void = () => {};
  #isOver = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#program = spawn(path, [], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#program.stdin.on("error", () => {});
    this.#program.stdout.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      this.#wake();
    });
    this.#ended = new Promise((resolve) => {
      const over = () => {
        this.#isOver = true;
        this.#wake();
        resolve();
      };
      this.#program.once("error", over);
      this.#program.once("close", over);
    });
  }

  get pid(): number {
    return this.#program.pid ?? 0;
  }

  /**
   * Begins to track a running process. It stands still for about a millisecond.
   * @throws an error with the system's code where it cannot be tracked: its rounds then give all of its memory
   */
  async track(pid: number): Promise<void> {
    await this.#ask(`track ${pid}`);
  }

  /** What has changed since the round before, in the order of addresses. `frozen`: the last round. @throws ESRCH, ENOENT where it has ended */
  round(pid: number, state: "live" | "frozen"): Promise<ChangedRun[]> {
    return this.#ask(`round ${pid} ${state}`);
  }

  /** The destination does not have these pages after all. */
  forget(pid: number, { first, count }: { first: number; count: number }): void {
    this.#program.stdin.write(`forget ${pid} ${first} ${count}\n`);
  }

  /** Ends all tracking. The processes keep nothing of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.stdin.end();
    await this.#ended;
  }

  #ask(order: string): Promise<ChangedRun[]> {
    const answer = this.#turn.then(() => this.#answer(order));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async #answer(order: string): Promise<ChangedRun[]> {
    this.#program.stdin.write(`${order}\n`);
    const header = await this.#read(headerBytes);
    const status = header.readInt32LE(0);
    if (status < 0) throw systemError(-status, order);
    const body = await this.#read(header.readUInt32LE(4) * runBytes);
    return Array.from({ length: body.length / runBytes }, (_, i) => ({
      first: Number(body.readBigUInt64LE(i * runBytes)),
      count: body.readUInt32LE(i * runBytes + 8),
      isSent: body.readUInt32LE(i * runBytes + 12) === 1,
    }));
  }

  async #read(bytes: number): Promise<Buffer> {
    while (this.#bytes < bytes) {
      if (this.#isOver)
        throw new GodwitError("command-failed", "The program that tracks changed memory has ended before its answer.");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(bytes)];
    this.#bytes = all.length - bytes;
    return all.subarray(0, bytes);
  }
}

function systemError(number: number, order: string): NodeJS.ErrnoException {
  const [code = "UNKNOWN"] = Object.entries(constants.errno).find(([, each]) => each === number) ?? [];
  return Object.assign(new Error(`${code}: ${order}`), { code, errno: -number });
}
