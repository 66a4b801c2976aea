import { EventEmitter, once } from "node:events";
import type { Duplex } from "node:stream";
import type { PageRun } from "../../host/proc/page-run.ts";
import { pageBytes } from "../../host/proc/page-size.ts";
import { ExactReader, untilWritable } from "../../transport/streams/exact-read.ts";
import { BufferPool } from "./buffers.ts";
import { Flight } from "./flight.ts";
import { cutZeros, decodeFrame, encodeFrame, headerBytes, writeFrame } from "./frames.ts";
import { UnsentPages } from "./unsent.ts";

/** The most bytes in one piece that no thread waits for. A wanted page comes only after the whole piece. */
const pieceBytes = 256 * 1024;
/** At a rate limit, a piece takes no longer than this. */
const pieceMs = 20;
/** A connection is replaced if the other side is silent for this long while pages are on their way. */
const silenceMs = 7000;
const lookEveryMs = 1000;

/** The ends of one `sendPages`. */
export interface PageSenderOptions {
  /** The frozen original. */
  memory: { read(run: PageRun, into: Buffer): void };
  /** To the destination's godwit-lazy-pages. It must have copied a buffer when it calls back after the write, as a socket does. */
  stream: Duplex;
  rate: { readonly bytesPerSecond: number | null; take(bytes: number): Promise<void> };
}

/**
 * Sends the memory of a frozen container, each page once. It sends wanted pages at once, and all other pages in order after the
 * destination has sent `go`. Returns when the destination has everything. If the connection breaks, the destination asks for the lost
 * pages on the next one.
 * @throws Error where the stream broke; MemoryLost where the memory could not be read. The stream is destroyed then
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
  readonly #unsent = new UnsentPages();
  readonly #urgent: PageRun[] = [];
  readonly #flight = new Flight();
  readonly #buffers = new BufferPool(headerBytes + pieceBytes);
  #frames = 0;
  #answeredAt = performance.now();
  #going = false;
  #sentAll = false;
  #ended = false;
  #failure: Error | undefined;

  constructor(options: PageSenderOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const watch = setInterval(() => this.#look(), lookEveryMs).unref();
    const listening = this.#listen().catch((error: Error) => {
      this.#failure = error;
    });
    listening.then(() => {
      clearInterval(watch);
      this.#ended = true;
      this.#wake.emit("wake");
    });
    while (!this.#ended) {
      const run = this.#next();
      if (!run) {
        await once(this.#wake, "wake");
        continue;
      }
      await this.#options.rate.take(run.count * pageBytes);
      await this.#send(run);
    }
    if (this.#failure) throw this.#failure;
  }

  async #listen(): Promise<void> {
    const { stream } = this.#options;
    const reader = new ExactReader(stream);
    for (;;) {
      const header = await reader.read(headerBytes);
      if (!header) throw new Error("the page connection was lost");
      const frame = decodeFrame(header);
      this.#answeredAt = performance.now();
      if (frame.type === "done") return;
      if (frame.type === "missing") this.#unsent.add(frame);
      else if (frame.type === "arrived") this.#flight.arrived(frame.number);
      else if (frame.type === "go") this.#going = true;
      else if (frame.type === "want") {
        this.#flight.wanted();
        const run = this.#unsent.take(frame);
        if (run) this.#urgent.push(run);
      }
      this.#wake.emit("wake");
    }
  }

  /** A cut link may show only as silence. */
  #look(): void {
    if (this.#flight.empty) this.#answeredAt = performance.now();
    else if (performance.now() - this.#answeredAt > silenceMs) this.#options.stream.destroy();
  }

  #next(): PageRun | undefined {
    if (this.#urgent.length > 0) return this.#urgent.shift();
    if (!this.#going || this.#sentAll || this.#flight.full) return undefined;
    const { bytesPerSecond } = this.#options.rate;
    const most = Math.min(pieceBytes, ((bytesPerSecond ?? Number.POSITIVE_INFINITY) * pieceMs) / 1000);
    const run = this.#unsent.next(Math.max(1, Math.floor(most / pageBytes)));
    this.#sentAll = run === undefined;
    return run;
  }

  async #send(run: PageRun): Promise<void> {
    const { memory, stream } = this.#options;
    // The buffer has space for a header before the pages.
    const buffer = this.#buffers.take(headerBytes + run.count * pageBytes);
    memory.read(run, buffer.subarray(headerBytes));
    const parts = cutZeros(run, buffer.subarray(headerBytes));
    for (const [index, part] of parts.entries()) {
      this.#frames += 1;
      this.#flight.sent(this.#frames, part.bytes?.length ?? 0);
      // The buffer is free when its last bytes are in the kernel.
      const free = index === parts.length - 1 ? () => this.#buffers.free(buffer) : undefined;
      if (!part.bytes) stream.write(encodeFrame("zeros", this.#frames, part.run), free);
      else if (parts.length === 1) {
        writeFrame(buffer, "pages", this.#frames, run);
        stream.write(buffer, free);
      } else {
        stream.write(encodeFrame("pages", this.#frames, part.run));
        stream.write(part.bytes, free);
      }
    }
    await untilWritable(stream);
  }
}
