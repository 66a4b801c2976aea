import { type Duplex, duplexPair } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PageProtocol, type PageRun } from "../../host/criu/page-protocol.ts";
import { pageBytes } from "../../host/criu/page-size.ts";
import { ExactReader } from "../../transport/exact-read.ts";
import { decodeFrame, encodeFrame, headerBytes } from "./frames.ts";
import { PageReceiver } from "./receiver.ts";
import { sendPages } from "./sender.ts";
import { UnsentPages } from "./unsent.ts";

const unlimited = { bytesPerSecond: null, take: async () => {} };

/** What a page of a task holds; every seventh holds zeros. */
function content(task: number, page: number): Buffer {
  const bytes = Buffer.alloc(pageBytes);
  if (page % 7 === 0) return bytes;
  bytes.writeUInt32LE(task * 1_000_003 + page, 4);
  return bytes;
}

/** A container that was dumped, with extents that CRIU never answers across. */
function original(runs: PageRun[]) {
  const read: number[] = [];
  return {
    read: async ({ task, first, count }: PageRun) => {
      const extent = runs.find((run) => run.task === task && first >= run.first && first < run.first + run.count);
      if (!extent) throw new Error(`no page ${first} of task ${task}`);
      const given = Math.min(count, extent.first + extent.count - first);
      for (let i = 0; i < given; i += 1) read.push(task * 1e9 + first + i);
      return Buffer.concat(Array.from({ length: given }, (_, i) => content(task, first + i)));
    },
    pagesRead: read,
  };
}

interface Daemon {
  socket: Duplex;
  reader: ExactReader;
}

/** CRIU's daemon: asks for runs and checks each answer. */
async function ask({ socket, reader }: Daemon, protocol: PageProtocol, run: PageRun): Promise<number> {
  socket.write(protocol.question(run));
  const header = await reader.read(protocol.headerBytes);
  if (!header) throw new Error("no answer");
  const answer = protocol.readAnswer(header);
  expect(answer).toMatchObject({ task: run.task, first: run.first });
  expect(answer.count).toBeGreaterThan(0);
  expect(answer.count).toBeLessThanOrEqual(run.count);
  for (let page = run.first; page < run.first + answer.count; page += 1)
    expect((await reader.read(pageBytes))?.equals(content(run.task, page))).toBe(true);
  return answer.count;
}

function connect(runs: PageRun[], version = "4.2.1") {
  const protocol = new PageProtocol(version);
  const [here, there] = duplexPair({ highWaterMark: 65536 });
  const [criu, daemon] = duplexPair({ highWaterMark: 65536 });
  const dumped = original(runs);
  const sending = sendPages({
    dumped,
    unsent: new UnsentPages(runs),
    stream: here,
    rate: unlimited,
  });
  sending.catch(() => {});
  const receiver = new PageReceiver(there, protocol);
  const serving = receiver.serve(criu);
  serving.catch(() => {});
  const reader = new ExactReader(daemon);
  return {
    protocol,
    daemon,
    criu: { socket: daemon, reader },
    receiver,
    sending,
    serving,
    dumped,
    there,
  };
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

describe("the way of the pages", () => {
  it.each(["4.1.1", "4.2.1"])(
    "brings every page once, in whatever order it is asked for (CRIU %s)",
    async (version) => {
      await fc.assert(
        fc.asyncProperty(extents, fc.array(fc.nat(), { maxLength: 30 }), fc.boolean(), async (runs, faults, goes) => {
          const { protocol, daemon, criu, receiver, sending, serving, dumped } = connect(runs, version);
          if (goes) receiver.go();
          const left = new Map<string, PageRun>();
          for (const { task, first, count } of runs)
            for (let page = first; page < first + count; page += 1)
              left.set(`${task}/${page}`, { task, first: page, count: 1 });
          const total = left.size;
          for (const fault of faults) {
            const run = [...left.values()][fault % left.size];
            if (!run) break;
            await ask(criu, protocol, run);
            left.delete(`${run.task}/${run.first}`);
          }
          while (left.size > 0) {
            const [next] = left.values();
            if (!next) break;
            let count = 1;
            while (left.has(`${next.task}/${next.first + count}`)) count += 1;
            const got = await ask(criu, protocol, { ...next, count });
            for (let i = 0; i < got; i += 1) left.delete(`${next.task}/${next.first + i}`);
          }
          daemon.write(protocol.goodbye());
          expect(await criu.reader.read(4)).toEqual(Buffer.alloc(4));
          await Promise.all([sending, serving]);
          expect(dumped.pagesRead.length).toBe(total);
        }),
        { numRuns: 60 },
      );
    },
  );

  it("sends a page again that was used up and is asked for once more, as after a fork", async () => {
    const run = { task: 1, first: 100, count: 10 };
    const { protocol, daemon, criu, receiver, sending, dumped } = connect([run]);
    receiver.go();
    for (let left = 0; left < 10; ) left += await ask(criu, protocol, { ...run, first: 100 + left, count: 10 - left });
    expect(await ask(criu, protocol, { ...run, first: 104, count: 1 })).toBe(1);
    expect(dumped.pagesRead.length).toBe(11);
    daemon.write(protocol.goodbye());
    await sending;
  });

  it("brings what is asked for also where pages that nobody asks for have taken all room", async () => {
    const mib = 2 ** 20 / pageBytes;
    const dead = { task: 1, first: 1, count: 40 * mib };
    const living = { task: 2, first: 1, count: 8 * mib };
    const { protocol, daemon, criu, receiver, dumped } = connect([dead, living]);
    receiver.go();
    for (let left = 0; left < living.count; )
      left += await ask(criu, protocol, { ...living, first: 1 + left, count: Math.min(1024, living.count - left) });
    expect(dumped.pagesRead.length).toBeGreaterThanOrEqual(living.count);
    await ask(criu, protocol, { ...dead, count: 1 });
    daemon.destroy();
  });

  it("brings the pages of many processes that are asked for at once, in an order of their own", async () => {
    const mib = 2 ** 20 / pageBytes;
    const tasks = Array.from({ length: 24 }, (_, i) => ({ task: i + 1, first: 64, count: 3 * mib }));
    const { protocol, daemon, receiver, criu, sending } = connect(tasks);
    receiver.go();
    const next = new Map(tasks.map(({ task, first, count }) => [task, { task, first, left: count }]));
    const asked: number[] = [];
    const ask = (task: number) => {
      const state = next.get(task);
      if (!state || state.left === 0) return;
      asked.push(task);
      daemon.write(protocol.question({ task, first: state.first, count: Math.min(state.left, 16) }));
    };
    // The last ones first, so that what was sent ahead is what nobody asks for yet.
    for (const { task } of tasks.toReversed()) ask(task);
    while (asked.length > 0) {
      const header = await criu.reader.read(protocol.headerBytes);
      if (!header) throw new Error("no answer");
      const { task, first, count } = protocol.readAnswer(header);
      expect(task).toBe(asked.shift());
      for (let page = first; page < first + count; page += 1)
        expect((await criu.reader.read(pageBytes))?.equals(content(task, page))).toBe(true);
      const state = next.get(task);
      if (!state) throw new Error(`nobody asked for task ${task}`);
      state.first += count;
      state.left -= count;
      ask(task);
    }
    daemon.write(protocol.goodbye());
    await sending;
  });

  it("wants pages once more when two copies of a process ask for them behind another question", async () => {
    const protocol = new PageProtocol("4.2.1");
    const [source, there] = duplexPair({ highWaterMark: 65536 });
    const [criu, daemon] = duplexPair({ highWaterMark: 65536 });
    new PageReceiver(there, protocol).serve(criu).catch(() => {});
    const wants = new ExactReader(source);
    const answers = new ExactReader(daemon);
    const asked = { task: 2, first: 1, count: 1 };
    const twice = { task: 1, first: 1, count: 1 };
    const wanted = async () => decodeFrame((await wants.read(headerBytes)) ?? Buffer.alloc(0));
    const send = (number: number, run: PageRun) => {
      source.write(encodeFrame("pages", number, run));
      source.write(content(run.task, run.first));
    };
    send(1, twice);
    for (const run of [asked, twice, twice]) daemon.write(protocol.question(run));
    expect(await wanted()).toMatchObject({ type: "want", ...asked });
    send(2, asked);
    await answers.read(2 * (protocol.headerBytes + pageBytes));
    expect(await wanted()).toMatchObject({ type: "want", ...twice, number: 2 });
    daemon.destroy();
  });

  it("breaks the daemon's connection off when the source is lost", async () => {
    const { criu, there, receiver } = connect([{ task: 1, first: 1, count: 100 }]);
    receiver.go();
    there.destroy();
    expect(await criu.reader.read(1)).toBeUndefined();
  });

  it("breaks everything off when the dump ends too early", async () => {
    const run = { task: 1, first: 1, count: 100 };
    const { daemon, receiver, sending, serving, dumped } = connect([run]);
    dumped.read = async () => {
      throw new Error("the dump of the container has ended");
    };
    daemon.on("error", () => {});
    daemon.resume();
    receiver.go();
    await expect(sending).rejects.toThrow("the dump of the container has ended");
    await expect(serving).rejects.toThrow();
  });
});
