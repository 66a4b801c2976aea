import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepSwap, stageTrees, swapsOf, swapTrees, undoSwap } from "./staged-trees.ts";

let root = "";
const at = (name: string) => join(root, name);
const swap = () => ({ from: at("saved"), path: at("data") });
const paths = () => [at("data")];
/** As another tool sees it. */
const listed = () => execFileSync("ls", ["-A", at("data")], { encoding: "utf8" }).trim();

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "godwit-trees-"));
  for (const name of ["saved", "data"]) {
    mkdirSync(at(name));
    writeFileSync(join(at(name), name), name);
  }
});
afterEach(() => rmSync(root, { recursive: true }));

test("the replaced tree stays while it is mounted somewhere", async () => {
  await stageTrees([swap()]);
  mkdirSync(at("seen"));
  execFileSync("mount", ["--bind", at("data"), at("seen")]);
  try {
    await swapTrees(paths());
    expect(await keepSwap(paths())).toEqual([at("data.godwit-old")]);
    expect(readFileSync(at("seen/data"), "utf8")).toBe("data");
  } finally {
    execFileSync("umount", [at("seen")]);
  }
  expect(await keepSwap(paths())).toEqual([]);
  expect(readdirSync(root).sort()).toEqual(["data", "saved", "seen"]);
});

test("a saved tree replaces the present one, and nothing else is left", async () => {
  await stageTrees([swap()]);
  expect(listed()).toBe("data");
  await swapTrees(paths());
  expect(listed()).toBe("saved");
  await keepSwap(paths());
  expect(readdirSync(root).sort()).toEqual(["data", "saved"]);
});

test("a file that was open before a swap is the same file after the swap is undone", async () => {
  const open = openSync(at("data/data"), "a");
  await stageTrees([swap()]);
  await swapTrees(paths());
  writeFileSync(at("data/other"), "written by a copy that failed");
  await undoSwap(paths());
  writeSync(open, " and more");
  closeSync(open);
  expect(readFileSync(at("data/data"), "utf8")).toBe("data and more");
  expect(readdirSync(root).sort()).toEqual(["data", "saved"]);
});

test("an undo is harmless after every step, also twice", async () => {
  await undoSwap(paths());
  expect(listed()).toBe("data");
  await stageTrees([swap()]);
  await undoSwap(paths());
  expect(listed()).toBe("data");
  await stageTrees([swap()]);
  // The agent ended between the two renames.
  execFileSync("mv", [at("data"), `${at("data")}.godwit-old`]);
  await undoSwap(paths());
  await undoSwap(paths());
  expect(listed()).toBe("data");
});

test("trees are matched by their place in the container, not by their names", () => {
  const volume = { kind: "volume", name: "new_data", destination: "/data", path: "/v/new_data/_data" } as const;
  const saved = [
    { kind: "writable-layer", destination: "/", path: "/store/0" } as const,
    { kind: "volume", destination: "/data", path: "/store/1" } as const,
    { kind: "volume", destination: "/gone", path: "/store/2" } as const,
  ];
  expect(swapsOf(saved, [volume])).toEqual([{ from: "/store/1", path: "/v/new_data/_data", volume: "new_data" }]);
});
