import type { Duplex } from "node:stream";
import { GodwitError } from "../../contract/errors.ts";
import { goodbyeAnswer, type PageProtocol, type PageRun } from "../../host/criu/page-protocol.ts";
import { pageBytes } from "../../host/criu/page-size.ts";
import { ExactReader } from "../../transport/exact-read.ts";
import { decodeFrame, encodeFrame, headerBytes } from "./frames.ts";
import { HeldPages } from "./held.ts";

/** Of a larger question that finds nothing, so much is wanted at once; a thread that waits for a page comes after it. */
const wantedPages = 64;
/** While the container runs, CRIU's daemon always has a question, until it has said goodbye. */
const mostSilenceMs = 30_000;
/** The source hears at least so often how much room there is. */
const usedEveryBytes = 1024 * 1024;
/** And what has arrived. */
const arrivedEveryBytes = 128 * 1024;

/**
 * The destination's end of a post-copy: answers CRIU's questions for memory with what the source has sent ahead, and asks the
 * source for what it has not. CRIU must have its answers in the order of its questions, and takes fewer pages than it asked for.
 */
export class PageReceiver {
  /** Why it was broken off here, where that is known. */
  problem: GodwitError | undefined;
  readonly #stream: Duplex;
  readonly #protocol: PageProtocol;
  readonly #held = new HeldPages();
  readonly #questions: PageRun[] = [];
  /** The first question, once its pages were wanted because nothing is left but to wait for them. */
  #awaited: PageRun | undefined;
  #criu: Duplex | undefined;
  #lastHeard = 0;
  #watch: NodeJS.Timeout | undefined;
  #arrivedFrames = 0;
  /** Bytes that have arrived since the source was told. */
  #untold = 0;
  #used = 0;

  /** `stream` leads to the source's `sendPages`, and is read from at once. */
  constructor(stream: Duplex, protocol: PageProtocol) {
    this.#stream = stream;
    this.#protocol = protocol;
    const ended = this.#receive().catch(() => {});
    // A source that ends before it was told to has lost the memory.
    ended.then(() => !stream.writableEnded && stream.destroy());
  }

  /** From now on the source sends without being asked. */
  go(): void {
    if (this.#stream.destroyed) return;
    this.#stream.write(encodeFrame("go", 0));
    this.#lastHeard = performance.now();
    this.#watch = setInterval(() => this.#look(), mostSilenceMs / 10).unref();
    this.#stream.once("close", () => clearInterval(this.#watch));
  }

  /**
   * Serves the connection of CRIU's daemon until every page is in the container, which the source then hears. When it breaks
   * before that, or the stream does, the other one is broken off.
   */
  async serve(criu: Duplex): Promise<void> {
    this.#criu = criu;
    this.#stream.once("close", () => criu.destroy());
    try {
      await this.#hear(new ExactReader(criu));
      clearInterval(this.#watch);
      criu.end(goodbyeAnswer);
      this.#stream.end();
    } catch (error) {
      this.#stream.destroy();
      throw error;
    }
  }

  async #hear(criu: ExactReader): Promise<void> {
    for (;;) {
      const header = await criu.read(this.#protocol.headerBytes);
      if (!header) throw new Error("CRIU's lazy-pages daemon has gone");
      const question = this.#protocol.readQuestion(header);
      if (!question) return;
      this.#lastHeard = performance.now();
      this.#questions.push(question);
      // While others wait before it, its pages are on their way.
      if (this.#questions.length > 1 && !this.#held.has(question.task, question.first)) this.#want(question);
      this.#answer();
    }
  }

  /**
   * CRIU hands a forked process the questions of its parent, and their answers to the parent alone: the child would wait for
   * ever (seen with CRIU 4.2.1). It is better off where it was.
   */
  #look(): void {
    if (this.#questions.length > 0 || performance.now() - this.#lastHeard < mostSilenceMs) return;
    this.problem = new GodwitError(
      "restore-failed",
      "CRIU lost track of memory that was still to come; that happens when a process forks meanwhile.",
      { hint: "Move it with --mode cold, or with --mode precopy where both hosts can." },
    );
    this.#stream.destroy();
  }

  async #receive(): Promise<void> {
    const reader = new ExactReader(this.#stream);
    for (;;) {
      const header = await reader.read(headerBytes);
      if (!header) return;
      const { type, number, ...run } = decodeFrame(header);
      const parts = type === "pages" ? await reader.readParts(run.count * pageBytes) : undefined;
      if (type === "pages" && !parts) return;
      this.#held.add(run, parts);
      this.#arrivedFrames = number;
      this.#tellArrived(parts ? run.count * pageBytes : 0);
      this.#answer();
    }
  }

  #tellArrived(bytes: number): void {
    this.#untold += bytes;
    if (this.#untold < arrivedEveryBytes) return;
    this.#stream.write(encodeFrame("arrived", this.#arrivedFrames));
    this.#untold = 0;
  }

  #want(question: PageRun): void {
    const run = { ...question, count: 1 };
    while (run.count < Math.min(question.count, wantedPages) && !this.#held.has(run.task, run.first + run.count))
      run.count += 1;
    this.#stream.write(encodeFrame("want", this.#arrivedFrames, run));
  }

  #answer(): void {
    for (let question = this.#questions[0]; question && this.#criu; question = this.#questions[0]) {
      const criu = this.#criu;
      const asked = question;
      const before = this.#held.bytes;
      const { count, parts } = this.#held.take(asked);
      this.#tell(before - this.#held.bytes);
      if (count === 0) {
        // Also where it was wanted or held before: the copy of a process that has forked asks for the same pages.
        if (this.#awaited !== asked) this.#want(asked);
        this.#awaited = asked;
        return;
      }
      this.#questions.shift();
      criu.cork();
      criu.write(this.#protocol.answer({ ...asked, count }));
      for (const part of parts) criu.write(part);
      criu.uncork();
    }
  }

  #tell(bytes: number): void {
    this.#used += bytes;
    if (this.#used < usedEveryBytes) return;
    this.#stream.write(encodeFrame("used", this.#used));
    this.#used = 0;
  }
}
