import { type Duplex, duplexPair } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PageRun } from "../../host/proc/page-run.ts";
import { pageBytes } from "../../host/proc/page-size.ts";
import { ExactReader } from "../../transport/streams/exact-read.ts";
import { decodeFrame, encodeFrame, headerBytes } from "./frames.ts";
import { sendPages } from "./sender.ts";

const unlimited = { bytesPerSecond: null, take: async () => {} };

/** What a page of a task holds; every seventh holds zeros. */
function content(task: number, page: number): Buffer {
  const bytes = Buffer.alloc(pageBytes);
  if (page % 7 === 0) return bytes;
  bytes.writeUInt32LE(task * 1_000_003 + page, 4);
  return bytes;
}

function original() {
  return {
    pagesRead: [] as number[],
    read({ task, first, count }: PageRun, into: Buffer) {
      for (let i = 0; i < count; i += 1) {
        content(task, first + i).copy(into, i * pageBytes);
        this.pagesRead.push(task * 1e9 + first + i);
      }
    },
  };
}

/** The destination's end: takes frames, and checks what is in them. */
class Destination {
  readonly arrived: number[] = [];
  readonly #stream: Duplex;
  readonly #reader: ExactReader;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#reader = new ExactReader(stream);
  }

  say(...frame: Parameters<typeof encodeFrame>): void {
    this.#stream.write(encodeFrame(...frame));
  }

  /** The pages of the next frame, checked. */
  async hear(): Promise<number[]> {
    const header = await this.#reader.read(headerBytes);
    if (!header) throw new Error("the source has ended");
    const { type, task, first, count, number } = decodeFrame(header);
    const pages = Array.from({ length: count }, (_, i) => first + i);
    for (const page of pages) {
      const bytes = type === "pages" ? await this.#reader.read(pageBytes) : Buffer.alloc(pageBytes);
      expect(bytes?.equals(content(task, page))).toBe(true);
      this.arrived.push(task * 1e9 + page);
    }
    this.say("arrived", number);
    return pages;
  }
}

function connect(runs: PageRun[]) {
  const [here, there] = duplexPair({ highWaterMark: 65536 });
  // A socket has copied a buffer when its write is done. These streams hand the buffer itself on.
  const write = here.write.bind(here);
  here.write = (chunk: Buffer, ...more: never[]) => write(Buffer.from(chunk), ...more);
  const memory = original();
  const sending = sendPages({ memory, stream: here, rate: unlimited });
  sending.catch(() => {});
  const destination = new Destination(there);
  for (const run of runs) destination.say("missing", 0, run);
  return { memory, sending, destination, there };
}

const extents = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 40 }), count: fc.integer({ min: 1, max: 120 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((list) => {
    let at = 16;
    return list.map(({ gap, count }) => {
      const run = { task: 1 + (at % 2), first: at + gap, count };
      at += gap + count;
      return run;
    });
  });

describe("sendPages", () => {
  it("sends every missing page once, in any order of requests, and ends when the destination is done", async () => {
    await fc.assert(
      fc.asyncProperty(extents, fc.array(fc.nat(), { maxLength: 30 }), async (runs, wants) => {
        const { memory, sending, destination } = connect(runs);
        const all = runs.flatMap(({ task, first, count }) =>
          Array.from({ length: count }, (_, i) => ({ task, first: first + i, count: 1 })),
        );
        for (const want of wants) destination.say("want", 0, all[want % all.length]);
        destination.say("go", 0);
        while (destination.arrived.length < all.length) await destination.hear();
        destination.say("done", 0);
        await sending;
        expect(new Set(destination.arrived).size).toBe(all.length);
        expect(memory.pagesRead.length).toBe(all.length);
      }),
      { numRuns: 60 },
    );
  });

  it("sends only requested pages until the destination says go", async () => {
    const { sending, destination } = connect([{ task: 1, first: 100, count: 50 }]);
    destination.say("want", 0, { task: 1, first: 120, count: 1 });
    expect(await destination.hear()).toEqual([120]);
    destination.say("want", 0, { task: 1, first: 133, count: 1 });
    expect(await destination.hear()).toEqual([133]);
    destination.say("done", 0);
    await sending;
  });

  it("goes on after a page that was requested", async () => {
    const { destination } = connect([{ task: 1, first: 1000, count: 4000 }]);
    destination.say("want", 0, { task: 1, first: 3001, count: 1 });
    destination.say("go", 0);
    expect(await destination.hear()).toEqual([3001]);
    expect((await destination.hear())[0]).toBe(3002);
  });

  it("fails where the connection breaks, and where the memory is lost", async () => {
    const cut = connect([{ task: 1, first: 1, count: 100 }]);
    cut.there.destroy();
    await expect(cut.sending).rejects.toThrow("the page connection was lost");
    const lost = connect([{ task: 1, first: 1, count: 100 }]);
    lost.memory.read = () => {
      throw new Error("it is gone");
    };
    lost.destination.say("go", 0);
    await expect(lost.sending).rejects.toThrow("it is gone");
  });
});
