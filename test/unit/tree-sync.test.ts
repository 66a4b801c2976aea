import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { changesSince, instant, type TreeChanges } from "../../src/host/files/tree-changes.ts";
import { mirrorTree, updateMirror } from "../../src/host/files/tree-mirror.ts";
import { inodeCases } from "./support/inode-cases.ts";
import { randomCases } from "./support/random-changes.ts";
import { furnish, nameCases, type TreeCase } from "./support/tree-cases.ts";
import { compileTrees, send, shown, type Trees } from "./support/trees.ts";

const scratch = mkdtempSync(join(tmpdir(), "godwit-trees-"));
let trees: Trees;
beforeAll(() => {
  trees = compileTrees(scratch);
});
afterAll(() => rmSync(scratch, { recursive: true }));

/**
 * Changes a tree before, during and after a first round, each case in a folder of its own, and then makes the last round twice:
 * over what is said to have changed, and over everything; and with either goes what is said to have a time from before. A mirror on
 * this host is made before the changes of the end, and brought up to date after them.
 * @returns what was said, and the tree and its three copies
 */
async function lastRound(cases: Map<string, TreeCase>): Promise<{ said: TreeChanges["compare"]; copies: string[][] }> {
  const [source, byWalk, byList, mirror] = ["source", "by-walk", "by-list", "mirror"].map((name) =>
    join(scratch, name),
  ) as [string, string, string, string];
  for (const folder of [source, byWalk, byList, mirror]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }
  for (const name of cases.keys()) mkdirSync(join(source, name));
  const each = (act: (it: TreeCase) => void) => {
    const before = process.cwd();
    for (const [name, it] of cases) {
      process.chdir(join(source, name));
      act(it);
    }
    process.chdir(before);
  };
  each((it) => it.before?.());
  await send(source, byList, scratch);
  await sleep(100);
  const since = instant();
  each((it) => it.during?.());
  await Promise.all([byList, byWalk].map((to) => send(source, to, scratch)));
  const mirrored = await mirrorTree(source, mirror);
  each((it) => it.after?.());
  const said = await changesSince({ path: source }, since);
  const paths = typeof said.compare === "string" ? undefined : said.compare;
  await Promise.all([send(source, byList, scratch, { paths }), send(source, byWalk, scratch)]);
  await Promise.all([byList, byWalk].map((to) => send(source, to, scratch, { always: said.antedated })));
  await updateMirror(source, mirror, { since: mirrored, mapped: [] });
  return { said: said.compare, copies: [source, byWalk, byList, mirror].map((folder) => shown(trees, folder)) };
}

test("a round over the changed paths gives the same tree as a round over everything", async () => {
  const furnished = Object.entries({ ...nameCases(trees), ...inodeCases(trees) }).map(
    ([name, { before, ...rest }]): [string, TreeCase] => [
      name,
      {
        ...rest,
        before: () => {
          furnish();
          before?.();
        },
      },
    ],
  );
  const random = randomCases(trees, 10, { seed: 7 }).map((it, i): [string, TreeCase] => [`random ${i}`, it]);
  const untouched: [string, TreeCase] = ["untouched", { before: furnish }];
  const { said, copies } = await lastRound(new Map([...furnished, ...random, untouched]));
  const [source, byWalk, byList, mirror] = copies;
  expect(said).toEqual(expect.arrayContaining(["./a file grows/a/x"]));
  for (const path of said) expect(path).not.toMatch(/^\.\/(untouched.*)?$/);
  expect(byWalk).toEqual(source);
  expect(byList).toEqual(source);
  expect(mirror).toEqual(source);
});

test("what is left out stays as it was, whatever its name", async () => {
  const [from, to] = ["from", "to"].map((name) => join(scratch, name)) as [string, string];
  const names = ["first", "a/[x]?*", "a/x\ny", "a/#\\z", "a/***", " ", "a/\xfc"];
  const others = ["a/first", "a/[x]12", "z", "a/b"];
  const write = (folder: string, text: string) => {
    mkdirSync(join(folder, "a"), { recursive: true });
    for (const name of [...names, ...others]) writeFileSync(Buffer.from(join(folder, name), "latin1"), text);
  };
  write(to, "old");
  write(from, "newer");
  await send(from, to, scratch, { without: names });
  const read = (name: string) => readFileSync(Buffer.from(join(to, name), "latin1"), "utf8");
  expect(names.map(read)).toEqual(names.map(() => "old"));
  expect(others.map(read)).toEqual(others.map(() => "newer"));
});
