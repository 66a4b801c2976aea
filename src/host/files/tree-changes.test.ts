import { link, mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changesSince, instant } from "./tree-changes.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-tree-"));
  await mkdir(join(folder, "sub"));
  await writeFile(join(folder, "sub", "old"), "x");
  await writeFile(join(folder, "sub", "older"), "x");
  await sleep(100);
});
afterEach(() => rm(folder, { recursive: true }));

test("an unchanged tree has no changes", async () => {
  expect((await changesSince({ path: folder }, instant())).compare).toBe("none");
});

test.each<[string, () => Promise<unknown>, string[]]>([
  [
    "a file was written and its time put back",
    async () => {
      await writeFile(join(folder, "sub", "old"), "y");
      await utimes(join(folder, "sub", "old"), 1, 1);
    },
    ["./sub/old"],
  ],
  ["a file was removed", () => rm(join(folder, "sub", "old")), ["./sub/"]],
  ["a file was renamed", () => rename(join(folder, "sub", "old"), join(folder, "sub", "older")), ["./sub/"]],
  ["a link was made", () => link(join(folder, "sub", "old"), join(folder, "sub", "twin")), ["./sub/"]],
  ["a symbolic link was made", () => symlink("nowhere", join(folder, "sub", "symbolic")), ["./sub/"]],
  ["something was made in its own folder", () => writeFile(join(folder, "new"), ""), ["./"]],
  [
    "a folder moved",
    async () => {
      await mkdir(join(folder, "to"));
      await rename(join(folder, "sub"), join(folder, "to", "sub"));
    },
    ["./", "./to/", "./to/sub/", "./to/sub/below/"],
  ],
])("it lists the paths where %s", async (_, change, expected) => {
  await mkdir(join(folder, "sub", "below"));
  await sleep(100);
  const since = instant();
  await change();
  const { compare } = await changesSince({ path: folder }, since);
  expect([...compare].sort()).toEqual(expected.sort());
});

test("a single file has changed or not", async () => {
  const path = join(folder, "sub", "old");
  await link(path, join(folder, "sub", "twin"));
  await sleep(100);
  const since = instant();
  expect((await changesSince({ path, file: true }, since)).compare).toBe("none");
  await writeFile(path, "y");
  expect((await changesSince({ path, file: true }, since)).compare).toBe("all");
});

test.each<[string, () => Promise<unknown>]>([
  ["one of the names of a file moved with its folder", () => rename(join(folder, "sub"), join(folder, "moved"))],
  [
    "a folder moved whose name is no UTF-8",
    async () => {
      const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xe9])]);
      await rename(join(folder, "sub", "below"), odd);
    },
  ],
])("everything is compared where %s", async (_, change) => {
  await mkdir(join(folder, "sub", "below"));
  await mkdir(join(folder, "other"));
  await link(join(folder, "sub", "old"), join(folder, "other", "twin"));
  await sleep(100);
  const since = instant();
  await change();
  expect((await changesSince({ path: folder }, since)).compare).toBe("all");
});

test("everything is compared where something is mounted in a folder", async () => {
  expect((await changesSince({ path: "/" }, instant())).compare).toBe("all");
});

test("everything is compared after the clock was set", async () => {
  const since = instant();
  const now = { dated: since.dated - 3_600_000, monotonic: since.monotonic + 10 };
  expect((await changesSince({ path: folder }, since, now)).compare).toBe("all");
});

test("it lists changed files whose time was set back", async () => {
  const path = join(folder, "sub", "old");
  const { atime, mtime } = await stat(path);
  const since = instant();
  await writeFile(path, "y");
  await utimes(path, atime, mtime);
  await writeFile(join(folder, "sub", "older"), "y");
  expect(await changesSince({ path: folder }, since)).toMatchObject({ antedated: ["sub/old"] });
});
