import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { watchBlocks } from "./usage.ts";

test("a block of the event loop is seen once", async () => {
  const longest = watchBlocks();
  await sleep(20);
  longest();
  // Asleep, it waits for no processor.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  await sleep(20);
  expect(longest()).toBeGreaterThan(250);
  expect(longest()).toBeLessThan(250);
});
