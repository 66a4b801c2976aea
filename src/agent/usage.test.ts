import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { watchBlocks } from "./usage.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a block of the event loop is reported once", async () => {
  const blocks = watchBlocks();
  blocks.while(true);
  await sleep(20);
  blocks.longestMs();
  // Asleep, it waits for no processor.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  await sleep(20);
  expect(blocks.longestMs()).toBeGreaterThan(250);
  expect(blocks.longestMs()).toBeLessThan(250);
  blocks.while(false);
});

test("no timer runs while there is no work", () => {
  vi.useFakeTimers();
  const blocks = watchBlocks();
  expect(vi.getTimerCount()).toBe(0);
  blocks.while(true);
  blocks.while(true);
  expect(vi.getTimerCount()).toBe(1);
  blocks.while(false);
  expect(vi.getTimerCount()).toBe(0);
});
