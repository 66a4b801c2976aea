import { type Duplex, duplexPair } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResumableStream } from "./resumable.ts";

/** Two ends whose connection can be cut at any moment; whoever loses it gets another one at once. */
function twoEnds(): { a: ResumableStream; b: ResumableStream; cut: () => void } {
  let current: Duplex[] = [];
  const connect = () => {
    const [one, other] = duplexPair();
    current = [one, other];
    a.attach(one);
    b.attach(other);
  };
  const a = new ResumableStream(() => queueMicrotask(() => !a.connected && connect()));
  const b = new ResumableStream();
  connect();
  const cut = () => {
    for (const end of current) end.destroy();
  };
  return { a, b, cut };
}

/** Reads to the end, and leaves the other direction alone: an iterator would destroy the stream. */
function buffer(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => resolve(Buffer.concat(chunks)));
    stream.once("error", reject);
  });
}

const pattern = (length: number, seed: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed) % 251));

describe("a resumable stream", () => {
  it("carries both directions to their ends", async () => {
    const { a, b } = twoEnds();
    a.end("to b");
    b.end("to a");
    expect(String(await buffer(a))).toBe("to a");
    expect(String(await buffer(b))).toBe("to b");
  });

  it("ends one direction while the other goes on", async () => {
    const { a, b } = twoEnds();
    a.end("question");
    expect(String(await buffer(b))).toBe("question");
    b.end("answer");
    expect(String(await buffer(a))).toBe("answer");
  });

  it("loses, doubles and reorders nothing, wherever the connection is cut", async () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant("write" as const), bytes: fc.integer({ min: 1, max: 200_000 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), bytes: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), bytes: fc.constant(0) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { a, b, cut } = twoEnds();
        const arrived = [buffer(a), buffer(b)];
        const sent: Buffer[][] = [[], []];
        for (const [i, { do: what, bytes }] of steps.entries()) {
          if (what === "cut") cut();
          if (what === "wait") await new Promise((resolve) => setImmediate(resolve));
          if (what !== "write") continue;
          const chunk = pattern(bytes, i);
          sent[i % 2]?.push(chunk);
          (i % 2 === 0 ? b : a).write(chunk);
        }
        cut();
        a.end();
        b.end();
        const [atA, atB] = await Promise.all(arrived);
        expect(atA?.equals(Buffer.concat(sent[0] ?? []))).toBe(true);
        expect(atB?.equals(Buffer.concat(sent[1] ?? []))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("waits without a connection, and goes on with the next one", async () => {
    const a = new ResumableStream();
    const b = new ResumableStream();
    a.write("before ");
    const [one, other] = duplexPair();
    a.attach(one);
    b.attach(other);
    one.destroy();
    other.destroy();
    a.write("between ");
    const [next, nextOther] = duplexPair();
    a.attach(next);
    b.attach(nextOther);
    a.end("after");
    b.end();
    expect(String(await buffer(b))).toBe("before between after");
  });

  it("breaks for both when one side gives it up", async () => {
    const { a, b } = twoEnds();
    await new Promise((resolve) => setImmediate(resolve));
    const broken = new Promise((resolve) => b.once("close", resolve));
    a.destroy();
    await broken;
    expect(b.destroyed).toBe(true);
    expect(b.readableEnded).toBe(false);
  });
});
