import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noConvergenceActions } from "../../../contract/migration.ts";
import { type ConvergenceInput, decide } from "./convergence.ts";

const MiB = 2 ** 20;
const input = (over: Partial<ConvergenceInput>): ConvergenceInput => ({
  left: [0],
  memoryBytes: 1024 * MiB,
  bandwidth: 100 * MiB,
  fixedMs: 200,
  limitMs: 300,
  switchRequested: false,
  onNoConvergence: "postcopy",
  ...over,
});

describe("a round is followed by", () => {
  test("the switchover, where it is expected to be short enough", () => {
    expect(decide(input({ left: [10 * MiB] }))).toEqual({
      next: "switchover",
      expectedDowntimeMs: 300,
      because: "10 MiB are left, a downtime of 300 ms is expected, within the limit of 300 ms.",
    });
  });

  test("another one, where much is left and it falls", () => {
    expect(decide(input({ left: [300 * MiB] }))).toMatchObject({ next: "round", expectedDowntimeMs: 3200 });
    expect(decide(input({ left: [300 * MiB, 90 * MiB] })).next).toBe("round");
  });

  test("another one after a single round that brought little", () => {
    expect(decide(input({ left: [300 * MiB, 280 * MiB] })).next).toBe("round");
  });

  test.each(noConvergenceActions)("%s, as it was asked for, where what is left does not fall", (onNoConvergence) => {
    const { next, because } = decide(input({ left: [300 * MiB, 280 * MiB, 290 * MiB], onNoConvergence }));
    expect(next).toBe(onNoConvergence);
    expect(because).toContain("above the limit of 300 ms; two rounds in a row brought less than a quarter");
  });

  test("the switchover, however much is left, when it was asked for", () => {
    const { next, because } = decide(input({ left: [300 * MiB], switchRequested: true }));
    expect(next).toBe("switchover");
    expect(because).toContain("asked for");
  });
});

describe("where the fixed part of a switchover is above the limit already", () => {
  const slow = { fixedMs: 900, left: [400 * MiB, MiB] };

  test("the little that is left goes at once: neither another round nor post-copy would be shorter", () => {
    for (const onNoConvergence of ["postcopy", "switchover"] as const)
      expect(decide(input({ ...slow, onNoConvergence })).next).toBe("switchover");
  });

  test("so does the little by which a limit is missed, once it does not fall any more", () => {
    const near = { fixedMs: 280, left: [6 * MiB, 6 * MiB] };
    expect(decide(input(near)).next).toBe("round");
    expect(decide(input({ ...near, left: [6 * MiB, 6 * MiB, 6 * MiB] })).next).toBe("switchover");
  });

  test("a user who would rather not move is heard", () => {
    const { next, because } = decide(input({ ...slow, onNoConvergence: "abort" }));
    expect(next).toBe("abort");
    expect(because).toContain("above the limit of 300 ms; 900 ms of it are the same after any round");
  });

  test("much that is left goes in rounds first", () => {
    expect(decide(input({ ...slow, left: [400 * MiB] })).next).toBe("round");
  });
});

test("memory of which nothing was sent yet says nothing about the link", () => {
  expect(decide(input({ bandwidth: null, left: [MiB] }))).toMatchObject({
    next: "switchover",
    expectedDowntimeMs: 200,
  });
});

test("it ends, whatever the container does", () => {
  const left = fc.nat(2000).map((mebibytes) => mebibytes * MiB);
  const settings = fc.record({
    fixedMs: fc.integer({ min: 0, max: 2000 }),
    limitMs: fc.integer({ min: 1, max: 2000 }),
    onNoConvergence: fc.constantFrom(...noConvergenceActions),
  });
  fc.assert(
    fc.property(fc.array(left, { minLength: 60, maxLength: 60 }), settings, (rounds, over) => {
      const ended = rounds.findIndex(
        (_, i) => decide(input({ ...over, left: rounds.slice(0, i + 1) })).next !== "round",
      );
      expect(ended).toBeGreaterThanOrEqual(0);
      expect(ended).toBeLessThan(40);
    }),
  );
});

test("it is within the limit, or was asked for, or what was asked for where it is not", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(2000), { minLength: 1, maxLength: 10 }),
      fc.nat(2000),
      fc.boolean(),
      (left, fixedMs, asked) => {
        const question = input({
          left: left.map((n) => n * MiB),
          fixedMs,
          switchRequested: asked,
          onNoConvergence: "abort",
        });
        const { next, expectedDowntimeMs } = decide(question);
        if (next === "switchover") expect(asked || expectedDowntimeMs <= question.limitMs).toBe(true);
        else expect(asked).toBe(false);
      },
    ),
  );
});
