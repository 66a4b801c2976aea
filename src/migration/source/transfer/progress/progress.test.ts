import { expect, test } from "vitest";
import { ProgressMeter } from "./progress.ts";

const sync = (transferred: number, total = 10_000, iteration = 1) => ({ phase: "sync", iteration, total, transferred });

test("bandwidth is that of the last second, and tells how long the rest takes", () => {
  const meter = new ProgressMeter(1000);
  expect(meter.at(sync(0), 2000)).toEqual({
    ...{ phase: "sync", iteration: 1, bytesTotal: 10_000, bytesTransferred: 0, bytesRemaining: 10_000 },
    ...{ dirtyRate: null, bandwidth: null, expectedDowntime: null, elapsed: 1000, remaining: null },
  });
  expect(meter.at(sync(500), 2500)).toMatchObject({ bandwidth: 1000, bytesRemaining: 9500, remaining: 9500 });
  for (let i = 1; i <= 8; i++) meter.at(sync(500 + i * 500), 2500 + i * 250);
  expect(meter.at(sync(5000), 4750)).toMatchObject({ bandwidth: 2000, bytesRemaining: 5000, remaining: 2500 });
  expect(meter.at(sync(5000), 6000)).toMatchObject({ bandwidth: 0, remaining: null });
  expect(meter.at(sync(5001, 1_000_000), 7000)).toMatchObject({ bandwidth: 1, remaining: null });
  // Not "6 hours left": nothing but a few bytes of a protocol went.
  expect(meter.at(sync(5037), 8000)).toMatchObject({ bandwidth: 36, bytesRemaining: 4963, remaining: null });
});

test("more than was expected is not less than nothing left", () => {
  const meter = new ProgressMeter(0);
  expect(meter.at(sync(12_000), 100)).toMatchObject({ bytesTotal: 12_000, bytesRemaining: 0, remaining: 0 });
});

test("a phase ends with nothing remaining, also where less had to go than was expected", () => {
  const meter = new ProgressMeter(0);
  meter.at(sync(0), 0);
  expect(meter.end(sync(4000), 1000)).toMatchObject({
    bytesTotal: 4000,
    bytesTransferred: 4000,
    bytesRemaining: 0,
    bandwidth: 4000,
    remaining: 0,
  });
});

test("a round of the same iteration that begins anew has no negative bandwidth", () => {
  const meter = new ProgressMeter(0);
  meter.at(sync(0), 0);
  expect(meter.at(sync(4000), 1000)).toMatchObject({ bandwidth: 4000 });
  expect(meter.at(sync(0), 1100)).toMatchObject({ bandwidth: 4000, bytesRemaining: 10_000 });
  expect(meter.at(sync(200), 1200)).toMatchObject({ bandwidth: 2000 });
});

test("the next round begins with the bandwidth of the one before, the next phase without one", () => {
  const meter = new ProgressMeter(0);
  meter.dirtyRate = 20;
  meter.expectedDowntime = 250;
  meter.at(sync(0), 0);
  meter.at(sync(1000), 1000);
  expect(meter.at(sync(0, 500, 2), 1010)).toMatchObject({
    iteration: 2,
    bandwidth: 1000,
    remaining: 500,
    dirtyRate: 20,
    expectedDowntime: 250,
  });
  expect(meter.at({ ...sync(0), phase: "drain" }, 1100)).toMatchObject({ phase: "drain", bandwidth: null });
});
