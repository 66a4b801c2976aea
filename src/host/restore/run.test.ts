import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lazyPagesOf } from "../criu/restore/lazy-pages.ts";
import type { ArmedContainer } from "./arm.ts";
import { restoreArmed } from "./run.ts";

let work = "";
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "godwit-restore-"));
});
afterEach(() => rmSync(work, { recursive: true }));

/** An armed container; `released` is called before any process of it may run. */
function armed(lazy: boolean, released: () => Promise<never>): ArmedContainer {
  const never = new Promise<never>(() => {});
  return {
    request: { images: work, work, lazy, keepConnections: true },
    cgroupPath: "/docker/c0ffee",
    ready: Promise.resolve(),
    started: never,
    lazyPages: { stop: () => {}, start: async () => ({ drained: never, stop: () => {} }) },
    pending: { folder: work, exit: never, namespaces: never, release: released },
  } as unknown as ArmedContainer;
}

test.each([
  ["leaves no page out", false, "whole"],
  ["leaves pages out", true, "missing"],
])("before a restore that %s can run anything, its folder says so", async (_, lazy, expected) => {
  let found = "";
  const restored = restoreArmed(
    armed(lazy, async () => {
      found = await lazyPagesOf(work).drained.then(
        () => "whole",
        () => "missing",
      );
      throw new Error("enough");
    }),
  );
  await expect(restored).rejects.toThrow("enough");
  expect(found).toBe(expected);
});
