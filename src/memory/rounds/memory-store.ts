import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { PageRun, SharedRun } from "../../host/proc/page-run.ts";
import { ExactReader } from "../../transport/streams/exact-read.ts";
import { decodeFrame, encodeFrame, headerBytes } from "../pages/frames.ts";
import { errorName, systemError } from "./system-error.ts";

export interface StorePlace {
  /** A tmpfs: it needs files of 2^47 bytes. */
  folder: string;
  /** Path of the socket where CRIU takes shared objects. Without it they are files, and stay. */
  socket?: string;
}

/**
 * The memory of a container on its destination, as rounds bring it, by the program godwit-memory (runtime/memory/main.c): a sparse file
 * for each process, and a memfd for each shared object.
 */
export class MemoryStore {
  /** Settles when a round did not arrive whole, or could not be kept, with the system's error, such as ENOSPC. */
  readonly failed: Promise<Error>;
  readonly #socket: string | undefined;
  readonly #program: ChildProcess;
  readonly #answers: ExactReader;
  readonly #ended: Promise<void>;
  #said = "";

  /** Takes rounds from the connection. `key` in hexadecimal digits: of one from another host. */
  constructor(program: string, { folder, socket }: StorePlace, connection: Socket, key?: string) {
    this.#socket = socket;
    const words = ["store", folder, socket ?? "-", ...(key ? [] : ["plain"])];
    this.#program = spawn(program, words, { stdio: ["pipe", "pipe", "pipe", connection] });
    // It is the program's alone: this process would read what comes next.
    connection.destroy();
    this.#program.stderr?.on("data", (text: Buffer) => {
      this.#said += text;
    });
    this.#questions.on("error", () => {});
    if (key) this.#questions.write(Buffer.from(key, "hex"));
    this.#answers = new ExactReader(this.#program.stdout as Readable);
    this.#ended = once(this.#program, "close").then(
      () => {},
      (error: Error) => {
        this.#said = error.message;
      },
    );
    this.failed = new Promise((resolve) => {
      this.#ended.then(() => this.#program.exitCode !== 0 && resolve(this.#failure()));
    });
  }

  /**
   * Looks which of these pages never came, or are old, and which are another process's pages.
   * @throws Error where the last round did not arrive whole
   */
  async look(runs: readonly PageRun[]): Promise<{ missing: PageRun[]; shared: SharedRun[] }> {
    for (const run of runs) this.#questions.write(encodeFrame("want", 0, run));
    this.#questions.write(encodeFrame("go", 0));
    const missing: PageRun[] = [];
    const shared: SharedRun[] = [];
    let parent = 0;
    for (;;) {
      const header = await this.#answers.read(headerBytes);
      if (!header) throw await this.#ended.then(() => this.#failure());
      const { type, task, first, count, number } = decodeFrame(header);
      if (type === "done") return { missing, shared };
      if (type === "missing") missing.push({ task, first, count });
      else if (count > 0) shared.push({ task, first, count, parent, owner: number });
      else parent = number;
    }
  }

  /**
   * Charges a container's cgroup with the shared objects that have come, and that it was not charged with before: the kernel counts them
   * for this agent otherwise, also when they are the container's. The next round waits meanwhile.
   * @param cgroup its folder
   * @throws the system's error
   */
  async charge(cgroup: string): Promise<void> {
    if (!this.#socket) throw new Error("shared objects of this store are files");
    const socket = connect(this.#socket);
    let broken: Error | undefined;
    socket.on("error", (error) => {
      broken = error;
    });
    const request = Buffer.alloc(8, 0xff);
    socket.write(Buffer.concat([request, Buffer.from(`${cgroup}\0`)]));
    const answer = await new ExactReader(socket).read(8);
    socket.destroy();
    if (!answer) throw broken ?? (await this.#ended.then(() => this.#failure()));
    const status = Number(answer.readBigInt64LE());
    if (status < 0) throw systemError(-status, `${cgroup} is not charged with shared memory`);
  }

  /** Ends the program. The files of processes stay. Shared objects stay where the container has them. */
  async close(): Promise<void> {
    this.#questions.end();
    await this.#ended;
    if (this.#socket) await rm(this.#socket, { force: true });
  }

  get #questions(): Writable {
    return this.#program.stdin as Writable;
  }

  #failure(): Error {
    const code = errorName(this.#program.exitCode);
    const text = this.#said.trim() || "the program that keeps memory has ended";
    return code ? Object.assign(new Error(text), { code }) : new Error(text);
  }
}
