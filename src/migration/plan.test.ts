import { expect, test } from "vitest";
import { criuOf, host } from "./examples.ts";
import { autoModes, type BuiltMode, builtModes, choosePlan } from "./plan.ts";

const all: ReadonlySet<BuiltMode> = new Set<BuiltMode>(["cold", "precopy", "postcopy"]);
const still = host("h2", { criu: criuOf({ dirtyTracking: false }) });
const eager = host("h2", { criu: criuOf({ dirtyTracking: false, lazyPages: false }) });

test("this version moves cold unless it is asked for post-copy, and says why", () => {
  expect([...builtModes]).toEqual(["cold", "postcopy"]);
  expect([...autoModes]).toEqual(["cold"]);
  expect(choosePlan("postcopy", host("h1"), host("h2")).mode).toBe("postcopy");
  expect(choosePlan("auto", host("h1"), host("h2"))).toMatchObject({ mode: "cold" });
  expect(choosePlan("auto", host("h1"), eager).because).toContain("userfaultfd is missing");
  expect(choosePlan("cold", host("h1"), host("h2")).because).toBe("Cold was asked for.");
});

test.each(["precopy"] as const)("%s is refused in a sentence while it is not built", (mode) => {
  expect(() => choosePlan(mode, host("h1"), host("h2"))).toThrow(
    expect.objectContaining({
      code: "usage",
      message: expect.stringContaining("not built yet"),
      hint: expect.stringContaining("cold"),
    }),
  );
});

test("once built, the best mode that both hosts can do is chosen", () => {
  const mode = (destination: typeof still) => choosePlan("auto", host("h1"), destination, all, all).mode;
  expect([mode(host("h2")), mode(still), mode(eager)]).toEqual(["precopy", "postcopy", "cold"]);
});
