import { expect, test } from "vitest";
import { MemoryCounter } from "./memory-counter.ts";

const MiB = 2 ** 20;

test("measures a round, beside what else the move sends", () => {
  let now = 0;
  const all = { sent: 100, received: 0 };
  const counter = new MemoryCounter(all, () => now);
  counter.beginRound();
  counter.sent += MiB;
  all.sent += 5 * MiB;
  now = 1000;
  counter.sent += 9 * MiB;
  counter.received += 3;
  counter.endRound();
  expect(counter.bandwidth).toBe(10 * MiB);
  expect(all).toEqual({ sent: 100 + 15 * MiB, received: 3 });
});

test("a small round does not say how fast the link is", () => {
  let now = 0;
  const counter = new MemoryCounter({ sent: 0, received: 0 }, () => now);
  for (const size of [8, 1]) {
    counter.beginRound();
    counter.sent += size * MiB;
    now += 1000;
    counter.endRound();
  }
  expect(counter.bandwidth).toBe(8 * MiB);
});
