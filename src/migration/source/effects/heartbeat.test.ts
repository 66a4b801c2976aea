import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Heartbeat } from "./heartbeat.ts";

const names = { container: "web", destination: "h2" };
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a destination that does not answer", () => {
  test("ends the move within half a minute while the container is frozen, and within two minutes before", async () => {
    const silent = () => Promise.reject(new Error("cut"));
    using frozen = new Heartbeat(silent, names);
    frozen.start();
    frozen.hurry();
    using running = new Heartbeat(silent, names);
    running.start();
    await pass(19);
    expect(frozen.signal.aborted).toBe(false);
    await pass(10);
    expect(frozen.signal.reason).toMatchObject({
      code: "transfer-failed",
      message: "h2 has not answered for 20 s, so that the move of 'web' was given up.",
      hint: expect.stringContaining("keeps running where it was"),
    });
    await pass(60);
    expect(running.signal.aborted).toBe(false);
    await pass(40);
    expect(running.signal.aborted).toBe(true);
  });

  test("ends nothing after the offer: the baton decides then", async () => {
    using heartbeat = new Heartbeat(() => new Promise(() => {}), names);
    heartbeat.start();
    heartbeat.hurry();
    await pass(15);
    heartbeat.offered();
    await pass(3600);
    expect(heartbeat.signal.aborted).toBe(false);
  });
});

test("a destination that answers now and then keeps the move going", async () => {
  let asked = 0;
  using heartbeat = new Heartbeat(
    () => (++asked % 8 === 0 ? Promise.resolve() : Promise.reject(new Error("late"))),
    names,
  );
  heartbeat.hurry();
  await pass(600);
  expect(heartbeat.signal.aborted).toBe(false);
  expect(asked).toBe(300);
});
