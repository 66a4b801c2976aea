import { execFileSync } from "node:child_process";
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { mirrorTree } from "./tree-mirror.ts";
import { treeSize } from "./trees.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-trees-"));
afterAll(() => rmSync(folder, { recursive: true }));

const mib = 2 ** 20;

test("a tree's size counts the data of each file once, and its holes separately", async () => {
  writeFileSync(join(folder, "data\nof two lines"), Buffer.alloc(3 * mib, "x"));
  linkSync(join(folder, "data\nof two lines"), join(folder, "second name"));
  writeFileSync(join(folder, "small"), "0123456789");
  writeFileSync(join(folder, "hole"), "");
  truncateSync(join(folder, "hole"), 100 * mib);
  writeFileSync(join(folder, "mixed"), "");
  truncateSync(join(folder, "mixed"), 50 * mib);
  writeSync(openSync(join(folder, "mixed"), "r+"), Buffer.alloc(mib, "y"), 0, mib, 20 * mib);
  expect(await treeSize(folder)).toEqual({ bytes: 4 * mib + 10, holes: 149 * mib });
});

test("a tree that does not exist has no size", async () => {
  expect(await treeSize(join(folder, "gone"))).toEqual({ bytes: 0, holes: 0 });
});

test("a folder is replaced by a fifo with several names, as by a whiteout", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "godwit-mirror-"));
  try {
    const [from, to] = [join(scratch, "from"), join(scratch, "to")];
    mkdirSync(from);
    execFileSync("mkfifo", [join(from, "one")]);
    linkSync(join(from, "one"), join(from, "other"));
    for (const name of ["one", "other"]) mkdirSync(join(to, name), { recursive: true });
    writeFileSync(join(to, "other", "file"), "x");
    await mirrorTree(from, to);
    const [one, other] = ["one", "other"].map((name) => lstatSync(join(to, name)));
    expect(one?.isFIFO()).toBe(true);
    expect(other?.ino).toBe(one?.ino);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
