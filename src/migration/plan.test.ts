import { expect, test } from "vitest";
import type { HostFacts } from "../contract/facts.ts";
import type { Mode } from "../contract/migration.ts";
import { criuOf, host } from "./examples.ts";
import { type BuiltMode, builtModes, choosePlan, coldBytes } from "./plan.ts";

const all: ReadonlySet<BuiltMode> = new Set<BuiltMode>(["cold", "precopy", "postcopy"]);
const still = host("h2", { criu: criuOf({ dirtyTracking: false }) });
const eager = host("h2", { criu: criuOf({ dirtyTracking: false, lazyPages: false }) });
const narrow = host("h2", { pipeMaxSize: 1048576, capSysResource: false });

const choose = (asked: Mode, destination: HostFacts, memoryBytes = 2 * coldBytes, built = builtModes) =>
  choosePlan({ asked, source: host("h1"), destination, memoryBytes }, built);

test("what was asked for is done", () => {
  expect(choose("cold", host("h2"))).toEqual({ mode: "cold", because: "Cold was asked for." });
  expect(choose("postcopy", host("h2")).mode).toBe("postcopy");
});

test("little memory moves cold, much memory follows after the resume", () => {
  expect(choose("auto", host("h2"), coldBytes).mode).toBe("cold");
  expect(choose("auto", host("h2"), coldBytes + 1).mode).toBe("postcopy");
});

test.each([
  ["userfaultfd", eager],
  ["pipes of the size that CRIU needs", narrow],
])("without %s all memory moves cold, and the reason says where to look", (_, destination) => {
  expect(choose("auto", destination)).toMatchObject({ mode: "cold", because: expect.stringContaining("doctor") });
});

test("a mode that is not built is refused in a sentence", () => {
  expect(() => choose("precopy", host("h2"))).toThrow(
    expect.objectContaining({
      code: "usage",
      message: expect.stringContaining("not built yet"),
      hint: expect.stringContaining("cold"),
    }),
  );
});

test("once built, the best mode that both hosts can do is chosen", () => {
  const mode = (destination: HostFacts) => choose("auto", destination, undefined, all).mode;
  expect([mode(host("h2")), mode(still), mode(eager)]).toEqual(["precopy", "postcopy", "cold"]);
});
