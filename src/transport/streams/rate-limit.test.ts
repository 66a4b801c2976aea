import { duplexPair, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { type Clock, limitedSource, RateLimit } from "./rate-limit.ts";
import { counted } from "./streams.ts";

/** A clock that jumps to the next sleeper when nothing else is left to do; its timers are as late as told. */
function fakeClock(lateMs = 0): Clock & { at(ms: number, act: () => void): void } {
  let now = 0;
  const sleeping: { at: number; wake: () => void }[] = [];
  let scheduled = false;
  const schedule = () => {
    if (scheduled || sleeping.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      sleeping.sort((a, b) => a.at - b.at);
      const next = sleeping.shift();
      now = Math.max(now, next?.at ?? now);
      next?.wake();
      schedule();
    });
  };
  const wakeAt = (at: number, wake: () => void) => {
    sleeping.push({ at, wake });
    schedule();
  };
  return {
    now: () => now,
    sleep: (ms) => new Promise<void>((resolve) => wakeAt(now + ms + lateMs, resolve)),
    at: wakeAt,
  };
}

const mega = 1_000_000;

test.each([
  ["small and many", 1000, 4000, 0],
  ["one that is larger than all that is saved up", 4 * mega, 1, 0],
  ["with late timers", 64_000, 60, 30],
])("the average is met over two seconds: %s", async (_, size, count, lateMs) => {
  const clock = fakeClock(lateMs);
  const rate = new RateLimit(2 * mega, clock);
  for (let i = 0; i < count; i++) await rate.take(size);
  const seconds = clock.now() / 1000;
  const average = (size * count) / seconds;
  expect(average).toBeGreaterThan(2 * mega * 0.95);
  expect(average).toBeLessThan(2 * mega * 1.1);
});

test("streams that share a limit get no more than it together", async () => {
  const clock = fakeClock();
  const rate = new RateLimit(mega, clock);
  const stream = async () => {
    for (let i = 0; i < 20; i++) await rate.take(50_000);
  };
  await Promise.all([stream(), stream()]);
  expect(clock.now()).toBeGreaterThan(1900);
  expect(clock.now()).toBeLessThan(2100);
});

test("what was not used for long is not made up for", async () => {
  const clock = fakeClock();
  const rate = new RateLimit(mega, clock);
  await rate.take(1000);
  await clock.sleep(60_000);
  const before = clock.now();
  await rate.take(mega);
  expect(clock.now() - before).toBeGreaterThan(900);
});

test.each([
  ["raised", 100 * mega],
  ["taken away", null],
])("a limit that is %s counts at once for those who wait", async (_, later) => {
  const clock = fakeClock();
  const rate = new RateLimit(1000, clock);
  clock.at(500, () => {
    rate.bytesPerSecond = later;
  });
  await Promise.all([rate.take(mega), rate.take(1000)]);
  expect(clock.now()).toBeGreaterThanOrEqual(500);
  expect(clock.now()).toBeLessThan(600);
  await rate.take(1);
  expect(rate.open).toBe(later === null);
});

test("a limit that is lowered is not softened by what was saved up under the old one", async () => {
  const clock = fakeClock();
  const rate = new RateLimit(1000 * mega, clock);
  await clock.sleep(1000);
  rate.bytesPerSecond = mega;
  const before = clock.now();
  await rate.take(mega);
  expect(clock.now() - before).toBeGreaterThan(900);
});

test("a limited stream delays its writes, keeps their order and its ends, and holds its writer back", async () => {
  const clock = fakeClock();
  const [near, far] = duplexPair();
  const stream = counted(near, { sent: 0, received: 0 }, new RateLimit(mega, clock));
  const read = buffer(far);
  expect(stream.write(Buffer.alloc(300_000, 1))).toBe(false);
  stream.end(Buffer.alloc(200_000, 2));
  const got = await read;
  expect(got.length).toBe(500_000);
  expect([got[299_999], got[300_000]]).toEqual([1, 2]);
  expect(clock.now()).toBeGreaterThan(440);
  far.end("answer");
  expect((await buffer(stream)).toString()).toBe("answer");
});

test("a stream that is destroyed while it waits writes nothing more", async () => {
  const clock = fakeClock();
  const [near, far] = duplexPair();
  const rate = new RateLimit(1000, clock);
  const stream = counted(near, { sent: 0, received: 0 }, rate);
  let got = 0;
  far.on("data", (chunk: Buffer) => {
    got += chunk.length;
  });
  stream.write(Buffer.alloc(1000));
  stream.destroy();
  await rate.take(1);
  expect(got).toBe(0);
  expect(near.destroyed).toBe(true);
});

test("a limited source counts what goes, and hands on its error and its reader's end", async () => {
  const clock = fakeClock();
  let sent = 0;
  const count = (bytes: number) => {
    sent += bytes;
  };
  const whole = limitedSource(
    Readable.from([Buffer.alloc(100_000), Buffer.alloc(150_000)]),
    new RateLimit(mega, clock),
    count,
  );
  expect((await buffer(whole)).length).toBe(250_000);
  expect(sent).toBe(250_000);
  expect(clock.now()).toBeGreaterThan(190);

  const broken = new Readable({ read: () => broken.destroy(new Error("disk gone")) });
  await expect(buffer(limitedSource(broken, new RateLimit(null), count))).rejects.toThrow("disk gone");

  const left = new Readable({ read: () => {} });
  const out = limitedSource(left, new RateLimit(null), count);
  out.destroy();
  await new Promise((resolve) => left.once("close", resolve));
});
