import { expect, test } from "vitest";
import { changedPaths, type Entry, movedFolders } from "./changed-paths.ts";

let inodes = 0;
const folder = (path: string, changed = true): Entry => ({
  path,
  folder: true,
  inode: `${++inodes}`,
  links: 2,
  changed,
});
const file = (path: string, more: Partial<Entry> = {}): Entry => ({
  ...{ path, folder: false, inode: `${++inodes}`, links: 1, changed: true },
  ...more,
});

test("a changed file is listed by itself, a changed folder with its contents", () => {
  const entries = [file("./a/x"), folder("./b"), file("./b/y")];
  expect(movedFolders(entries, true)).toEqual([]);
  expect(changedPaths(entries, [])).toEqual(["./b/", "./a/x"]);
});

test("the tree's top folder is listed as any other, and cannot have moved", () => {
  const entries = [folder("."), file("./x"), file("./a/x")];
  expect(movedFolders(entries, true)).toEqual([]);
  expect(changedPaths(entries, [])).toEqual(["./", "./a/x"]);
});

test("a changed folder within a changed one may have moved, with everything below it", () => {
  const entries = [folder("./a"), folder("./a/b"), folder("./a/b/c"), folder("./d/e")];
  expect(movedFolders(entries, true)).toEqual(["./a/b"]);
  const paths = changedPaths(entries, ["./a/b", "./a/b/c", "./a/b/c/old"]);
  expect(paths).toEqual(["./a/", "./a/b/", "./a/b/c/", "./d/e/", "./a/b/c/old/"]);
});

test("where a swap changes only the time of its own folder, everything below it may have moved", () => {
  expect(movedFolders([folder("./a"), folder("./a/b"), folder("./d/e")], false)).toEqual(["./a", "./d/e"]);
  expect(movedFolders([folder("."), folder("./a")], false)).toEqual(["."]);
});

test.each<[string, string[], number, string[] | undefined]>([
  ["none of the names", ["./a/x", "./a/y"], 2, ["./m/"]],
  ["all of the names", ["./m/x", "./m/y"], 2, ["./m/"]],
  ["one of two names", ["./m/x", "./a/y"], 2, undefined],
  ["one name, where the other is in no part of the tree", ["./m/x"], 2, undefined],
])("an unchanged file has %s in a changed folder", (_, paths, links, expected) => {
  const names = paths.map((path) => file(path, { inode: "shared", links, changed: false }));
  expect(changedPaths([folder("./m"), ...names], [])).toEqual(expected);
});

test("all names of a changed file are listed", () => {
  const names = ["./a/x", "./m/y", "./m/z"].map((path) => file(path, { inode: "shared", links: 3 }));
  expect(changedPaths([folder("./m"), ...names], [])).toEqual(["./m/", "./a/x"]);
});
