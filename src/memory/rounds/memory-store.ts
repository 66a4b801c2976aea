import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { constants } from "node:os";
import type { Duplex, Readable, Writable } from "node:stream";
import type { PageRun, SharedRun } from "../../host/proc/page-run.ts";
import { ExactReader } from "../../transport/streams/exact-read.ts";
import { gather } from "../../transport/streams/streams.ts";
import { decodeFrame, encodeFrame, headerBytes } from "../pages/frames.ts";

/**
 * The memory of a container on its destination, as rounds bring it, by the program godwit-memory (runtime/memory/main.c): a sparse file
 * for each process, and a memfd for each shared object. `folder` must be a tmpfs: it needs files of 2^47 bytes.
 */
export class MemoryStore {
  readonly #socket: string;
  readonly #program: ChildProcess;
  readonly #answers: ExactReader;
  readonly #ended: Promise<void>;
  #said = "";
  #isWhole = false;

  /** @param socket path of the socket where CRIU takes shared objects */
  constructor(program: string, folder: string, socket: string) {
    this.#socket = socket;
    this.#program = spawn(program, ["store", folder, socket], { stdio: ["pipe", "pipe", "pipe"] });
    this.#program.stderr?.on("data", (text: Buffer) => {
      this.#said += text;
    });
    this.#frames.on("error", () => {});
    this.#answers = new ExactReader(this.#program.stdout as Readable);
    this.#ended = once(this.#program, "close").then(
      () => {},
      (error: Error) => {
        this.#said = error.message;
      },
    );
  }

  /**
   * Receives a round, and confirms it. A connection may be opened long before its round: it is the first bytes that begin it.
   * @throws Error where it is not whole; the system's error, such as ENOSPC
   */
  async receive(stream: Duplex): Promise<void> {
    if (!(await hasBytes(stream))) return;
    this.#isWhole = false;
    const lost = Promise.race(["end", "close"].map((event) => once(stream, event))).then(() => undefined);
    lost.catch(() => {});
    gather(stream, this.#frames);
    stream.pipe(this.#frames, { end: false });
    const header = await Promise.race([this.#answers.read(headerBytes), lost]).catch(() => undefined);
    stream.unpipe(this.#frames);
    if (!header) {
      // Half a frame may have come: nothing can follow it.
      this.#frames.destroy();
      stream.destroy();
      throw await this.#failure();
    }
    this.#isWhole = true;
    stream.end(header);
    stream.resume();
  }

  /**
   * Looks which of these pages never came, or are old, and which are another process's pages.
   * @throws Error where the last round did not arrive whole
   */
  async look(runs: readonly PageRun[]): Promise<{ missing: PageRun[]; shared: SharedRun[] }> {
    if (!this.#isWhole) throw new Error("the memory of the container did not arrive whole");
    for (const run of runs) this.#frames.write(encodeFrame("want", 0, run));
    this.#frames.write(encodeFrame("go", 0));
    const missing: PageRun[] = [];
    const shared: SharedRun[] = [];
    let parent = 0;
    for (;;) {
      const header = await this.#answers.read(headerBytes);
      if (!header) throw await this.#failure();
      const { type, task, first, count, number } = decodeFrame(header);
      if (type === "done") return { missing, shared };
      if (type === "missing") missing.push({ task, first, count });
      else if (count > 0) shared.push({ task, first, count, parent, owner: number });
      else parent = number;
    }
  }

  /** Ends the program. The files of processes stay. Shared objects stay where the container has them. */
  async close(): Promise<void> {
    this.#frames.destroy();
    await this.#ended;
    await rm(this.#socket, { force: true });
  }

  get #frames(): Writable {
    return this.#program.stdin as Writable;
  }

  async #failure(): Promise<Error> {
    await this.#ended;
    const errno = this.#program.exitCode;
    const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
    const text = this.#said.trim() || "a round of memory did not arrive whole";
    return code ? Object.assign(new Error(text), { code }) : new Error(text);
  }
}

/** Resolves when bytes have come, with true, or when none will. */
async function hasBytes(stream: Duplex): Promise<boolean> {
  await Promise.race(["readable", "close"].map((event) => once(stream, event))).catch(() => {});
  return stream.readableLength > 0;
}
