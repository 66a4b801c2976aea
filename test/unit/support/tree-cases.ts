import {
  appendFileSync as append,
  linkSync as link,
  mkdirSync as mkdir,
  renameSync as rename,
  rmSync,
  symlinkSync as symlink,
  utimesSync as utimes,
  writeFileSync as write,
} from "node:fs";
import type { Trees } from "./trees.ts";

/** What a program does to its files while they are being moved. */
export interface TreeCase {
  /** Before the round begins, beside what `furnish` makes. */
  before?(): void;
  /** After it has begun, and before the tree is read. */
  during?(): void;
  after?(): void;
}

/** What each of them finds in the working folder, which is its own. */
export function furnish(): void {
  mkdir("a/deep/er", { recursive: true });
  mkdir("a/other");
  mkdir("b");
  // By their sizes they are told apart: all are made within one tick of the clock that dates them.
  const files = ["a/x", "a/y", "a/deep/z", "a/deep/er/z", "a/other/z", "b/w"];
  for (const [i, file] of files.entries()) write(file, "some".repeat(i + 1));
  symlink("x", "a/soft");
}

const rm = (path: string) => rmSync(path, { recursive: true });
const latin1 = (name: string) => Buffer.from(name, "latin1");

const oddNames = ["#x", "x\n#y", "-x", "x\\#012", "[x]*", " ", "ü"];

/** Files and folders come, go and move. */
export const nameCases = (trees: Trees): Record<string, TreeCase> => ({
  "a file grows": { after: () => append("a/x", "more") },
  "a file gets another content of the same size, and its time back": {
    before: () => utimes("a/x", 1e9, 1e9),
    after: () => {
      write("a/x", "SOME");
      utimes("a/x", 1e9, 1e9);
    },
  },
  "one of the names of a file gets another content, and its time back": {
    before: () => {
      link("a/x", "b/x");
      utimes("a/x", 1e9, 1e9);
    },
    after: () => {
      write("a/x", "SOME");
      utimes("a/x", 1e9, 1e9);
    },
  },
  "a file with a line feed, a comment's beginning, a backslash, no UTF-8 in its name": {
    before: () => {
      for (const name of oddNames) write(`a/${name}`, "1");
    },
    after: () => {
      for (const name of [...oddNames, ";new\n"]) write(`a/${name}`, "other");
    },
  },
  "a name that is no UTF-8": { after: () => write(latin1("a/deep/caf\xe9"), "new") },
  "a file in a folder of that name": {
    before: () => {
      mkdir(latin1("caf\xe9"));
      write(latin1("caf\xe9/x"), "1");
    },
    after: () => append(latin1("caf\xe9/x"), "2"),
  },
  "a file is removed": { after: () => rm("a/x") },
  "a file is removed in the folder of the case": { before: () => write("x", "1"), after: () => rm("x") },
  "a folder is removed": { after: () => rm("a") },
  "a folder below is removed": { after: () => rm("a/deep") },
  "a file is written anew": {
    after: () => {
      rm("a/x");
      write("a/x", "other one");
    },
  },
  "a file is renamed": { after: () => rename("a/x", "a/renamed") },
  "a file moves to another folder": { after: () => rename("a/x", "b/x") },
  "a file takes another one's place": { after: () => rename("a/x", "b/w") },
  "two files change places": { after: () => trees("exchange", "a/x", "b/w") },
  "a file becomes a folder": {
    after: () => {
      rm("a/x");
      mkdir("a/x");
      write("a/x/in", "1");
    },
  },
  "a folder becomes a file": {
    after: () => {
      rm("a/deep");
      write("a/deep", "1");
    },
  },
  "a file becomes a symbolic link": {
    after: () => {
      rm("a/x");
      symlink("y", "a/x");
    },
  },
  "a symbolic link becomes a folder": {
    after: () => {
      rm("a/soft");
      mkdir("a/soft");
      write("a/soft/in", "1");
    },
  },
  "a symbolic link points elsewhere": {
    after: () => {
      rm("a/soft");
      symlink("elsewhere", "a/soft");
    },
  },
  "a folder is made, with folders": {
    after: () => {
      mkdir("n/e/w", { recursive: true });
      write("n/e/w/x", "1");
    },
  },
  "a folder is renamed": { after: () => rename("a", "renamed") },
  "a folder moves": { after: () => rename("a/deep", "b/deep") },
  "a folder moves into a new one": {
    after: () => {
      mkdir("n");
      rename("a", "n/a");
    },
  },
  "a folder moves below one that moved": {
    after: () => {
      rename("a/deep/er", "b/er");
      rename("b", "a/b");
    },
  },
  "a folder takes another one's place": {
    after: () => {
      rm("b");
      rename("a", "b");
    },
  },
  "two folders change places": { after: () => trees("exchange", "a", "b") },
  "two folders change places, far from each other": { after: () => trees("exchange", "a/deep", "b") },
  "a folder is away while the tree is read": {
    during: () => rename("a", "away"),
    after: () => rename("away", "a"),
  },
  "two folders have changed places while the tree is read": {
    during: () => trees("exchange", "a/deep", "a/other"),
    after: () => trees("exchange", "a/deep", "a/other"),
  },
  "a folder is there while the tree is read": {
    during: () => {
      mkdir("a/short");
      write("a/short/x", "1");
    },
    after: () => rm("a/short"),
  },
  "a file is there while the tree is read": { during: () => write("a/short", "1"), after: () => rm("a/short") },
});
