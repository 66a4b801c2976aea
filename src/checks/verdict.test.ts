import { expect, test } from "vitest";
import type { Verdict } from "../contract/facts.ts";
import { firstFailure } from "./verdict.ts";

test("the first failure gives the code; the others are details", () => {
  const verdicts: Verdict[] = [
    { check: "kernel", level: "warn", message: "older there", remedy: "none" },
    {
      check: "name",
      level: "fail",
      message: "h2 has a container of that name",
      code: "name-taken",
      remedy: "rename it",
    },
    { check: "networks", level: "fail", message: "h2: no network named lan", remedy: "docker network create lan" },
  ];
  const error = firstFailure(verdicts, "looper cannot move to h2");
  expect(error).toMatchObject({ code: "name-taken", hint: "rename it" });
  expect(error?.message).toBe("looper cannot move to h2: h2 has a container of that name.");
  expect(error?.details).toEqual(["networks: h2: no network named lan (docker network create lan)"]);
});

test("a code that this version does not know becomes preflight-failed", () => {
  const verdict: Verdict = { check: "x", level: "fail", message: "no", code: "toString" };
  expect(firstFailure([verdict], "it")?.code).toBe("preflight-failed");
});
