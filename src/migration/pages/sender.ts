import { EventEmitter, once } from "node:events";
import type { Duplex } from "node:stream";
import type { PageRun } from "../../host/criu/page-protocol.ts";
import { pageBytes } from "../../host/criu/page-size.ts";
import { ExactReader, untilWritable } from "../../transport/exact-read.ts";
import { Flight } from "./flight.ts";
import { cutZeros, decodeFrame, encodeFrame, headerBytes } from "./frames.ts";
import type { UnsentPages } from "./unsent.ts";

/** So much may lie unused at the destination; beyond it only what is wanted at once is sent. */
export const windowBytes = 16 * 2 ** 20;
/** What is sent in one piece while nobody waits for it: a wanted page comes after it. */
const pieceBytes = 256 * 1024;
/** At a rate limit, a piece takes no longer than this. */
const pieceMs = 20;
/** Questions that CRIU has before it has answered the first. */
const questionsAhead = 2;

export interface PageSenderOptions {
  /** The frozen original. */
  dumped: { read(run: PageRun): Promise<Buffer> };
  unsent: UnsentPages;
  /** To the destination's PageReceiver. */
  stream: Duplex;
  rate: { readonly bytesPerSecond: number | null; take(bytes: number): Promise<void> };
}

/**
 * Sends the memory of a frozen container: what the destination wants at once, and, from its word on, all the rest in order, each
 * page once. Ends when the destination has ended the stream.
 * @throws where the dump or the stream broke; the stream is destroyed then
 */
export async function sendPages(options: PageSenderOptions): Promise<void> {
  try {
    await new PageSender(options).run();
    options.stream.end();
  } catch (error) {
    options.stream.destroy();
    throw error;
  }
}

class PageSender {
  readonly #options: PageSenderOptions;
  readonly #wake = new EventEmitter();
  readonly #urgent: PageRun[] = [];
  #frames = 0;
  readonly #flight = new Flight();
  #inWindow = 0;
  #going = false;
  #done = false;
  #ended = false;
  #failure: Error | undefined;

  constructor(options: PageSenderOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const listening = this.#listen().catch((error: Error) => {
      this.#failure = error;
    });
    listening.then(() => {
      this.#ended = true;
      this.#wake.emit("wake");
    });
    const answers: { run: PageRun; bytes: Promise<Buffer> }[] = [];
    while (!this.#ended) {
      const run = answers.length < questionsAhead ? this.#next() : undefined;
      if (run) {
        await this.#options.rate.take(run.count * pageBytes);
        const bytes = this.#options.dumped.read(run);
        bytes.catch(() => {});
        answers.push({ run, bytes });
        // Another question goes out before this one's answer is waited for.
        if (answers.length < questionsAhead && this.#hasNext()) continue;
      }
      const first = answers.shift();
      if (first) await this.#send(first.run, await first.bytes);
      else if (!this.#ended && !this.#hasNext()) await once(this.#wake, "wake");
    }
    if (this.#failure) throw this.#failure;
  }

  async #listen(): Promise<void> {
    const { stream, unsent } = this.#options;
    const reader = new ExactReader(stream);
    for (;;) {
      const header = await reader.read(headerBytes);
      if (!header) {
        if (stream.readableEnded && !stream.errored) return;
        throw new Error("the way of the memory pages broke");
      }
      const frame = decodeFrame(header);
      if (frame.type === "want" || frame.type === "arrived") this.#flight.arrived(frame.number);
      if (frame.type === "want") {
        // A thread waits for one page; CRIU itself, while none does, asks for more.
        if (frame.count === 1) this.#flight.wanted();
        this.#urgent.push(...unsent.take(frame, frame.number));
        // Whoever asks for more than a page goes through the memory in this order: what is sent ahead should too.
        if (frame.count > 1) unsent.seek(frame);
      } else if (frame.type === "used") this.#inWindow -= frame.number;
      else if (frame.type === "go") this.#going = true;
      this.#wake.emit("wake");
    }
  }

  #hasNext(): boolean {
    const room = this.#inWindow < windowBytes && !this.#flight.full;
    return this.#urgent.length > 0 || (this.#going && !this.#done && room);
  }

  #next(): PageRun | undefined {
    if (this.#urgent.length > 0) return this.#urgent.shift();
    if (!this.#hasNext()) return undefined;
    const { bytesPerSecond } = this.#options.rate;
    const most = Math.min(pieceBytes, ((bytesPerSecond ?? Number.POSITIVE_INFINITY) * pieceMs) / 1000);
    const run = this.#options.unsent.next(Math.max(1, Math.floor(most / pageBytes)));
    this.#done = run === undefined;
    return run;
  }

  async #send(run: PageRun, bytes: Buffer): Promise<void> {
    const { unsent, stream } = this.#options;
    const count = bytes.length / pageBytes;
    const left = run.count - count;
    if (left > 0) this.#urgent.unshift({ ...run, first: run.first + count, count: left });
    for (const part of cutZeros({ ...run, count }, bytes)) {
      this.#frames += 1;
      const header = encodeFrame(part.bytes ? "pages" : "zeros", this.#frames, part.run);
      stream.write(header);
      if (part.bytes) {
        this.#inWindow += part.bytes.length;
        this.#flight.sent(this.#frames, part.bytes.length);
        stream.write(part.bytes);
      }
      unsent.sent(part.run, this.#frames);
    }
    await untilWritable(stream);
  }
}
