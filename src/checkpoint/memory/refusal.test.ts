import { expect, test } from "vitest";
import { host } from "../../../testing/host-facts.ts";
import { copyRefused } from "./refusal.ts";

const mebibyte = 2 ** 20;
const able = (availableMib = 4096) =>
  host("h1", { pageScan: true, memory: { totalBytes: 8192 * mebibyte, availableBytes: availableMib * mebibyte } });
const container = (mebibytes: number) => ({ memoryBytes: mebibytes * mebibyte, pinned: [] });

test("memory is copied while the container runs where the host can tell what was written and has room", () => {
  expect(copyRefused(able(), container(1024))).toBeUndefined();
  // 1100 MiB for what may be 1000 MiB by now, and 64 MiB.
  expect(copyRefused(able(1164), container(1000))).toBeUndefined();
  expect(copyRefused(able(140), container(100))).toEqual({
    because: "a copy of it needs 174 MiB, and h1 has 140 MiB of memory free",
    remedy: "Free 34 MiB of memory.",
  });
});

test("it is not where the kernel does not tell, or a device writes into it", () => {
  expect(copyRefused(host("h1", { pageScan: false, softDirty: false }), container(1))?.because).toMatch(
    /^h1 cannot tell which memory was written/,
  );
  const pinned = [{ pid: 7, command: "db" }];
  expect(copyRefused(able(), { ...container(1), pinned })?.because).toContain("of process 7 (db)");
});
