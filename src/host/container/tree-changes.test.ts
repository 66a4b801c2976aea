import { link, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changedSince, instant } from "./tree-changes.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-tree-"));
  await mkdir(join(folder, "sub"));
  await writeFile(join(folder, "sub", "old"), "x");
  await writeFile(join(folder, "sub", "older"), "x");
  await sleep(100);
});
afterEach(() => rm(folder, { recursive: true }));

test("a tree that nobody touched has not changed", async () => {
  expect(await changedSince(folder, instant())).toBe(false);
});

test.each<[string, () => Promise<unknown>]>([
  [
    "a file was written and its time put back",
    async () => {
      await writeFile(join(folder, "sub", "old"), "y");
      await utimes(join(folder, "sub", "old"), 1, 1);
    },
  ],
  ["a file was removed", () => rm(join(folder, "sub", "old"))],
  ["a file was renamed", () => rename(join(folder, "sub", "old"), join(folder, "sub", "older"))],
  ["a link was made", () => link(join(folder, "sub", "old"), join(folder, "sub", "twin"))],
  ["a symbolic link was made", () => symlink("nowhere", join(folder, "sub", "symbolic"))],
])("it shows that %s", async (_, change) => {
  const since = instant();
  await change();
  expect(await changedSince(folder, since)).toBe(true);
});

test("after the clock was set, nothing is said to be unchanged", async () => {
  const since = instant();
  const now = { dated: since.dated - 3_600_000, monotonic: since.monotonic + 10 };
  expect(await changedSince(folder, since, now)).toBe(true);
});
