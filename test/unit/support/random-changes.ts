import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import fc from "fast-check";
import type { TreeCase } from "./tree-cases.ts";
import type { Trees } from "./trees.ts";

const folders = ["", "p/", "q/", "p/p/", "p/q/", "q/p/"];
const paths = folders.flatMap((folder) => ["p", "q", "r", "s"].map((name) => folder + name));
const path = fc.constantFrom(...paths);

/** All files differ in size: the clock that dates them may not tell them apart. */
let written = 0;

const change = (trees: Trees, links: boolean) => {
  const kinds: [weight: number, act: (one: string, other: string) => void][] = [
    [4, (one) => writeFileSync(one, ".".repeat(++written))],
    [4, (one) => mkdirSync(one)],
    [2, (one) => rmSync(one, { recursive: true })],
    [4, (one, other) => renameSync(one, other)],
    [2, (one, other) => trees("exchange", one, other)],
    [1, (one, other) => symlinkSync(other, one)],
    [1, (one) => chmodSync(one, 0o700)],
    [1, (one) => utimesSync(one, 1, 1)],
    [links ? 2 : 0, (one, other) => lstatSync(one).isFile() && linkSync(one, other)],
  ];
  return fc
    .tuple(fc.oneof(...kinds.map(([weight, act]) => ({ weight, arbitrary: fc.constant(act) }))), path, path)
    .map(([act, one, other]) => () => {
      try {
        act(one, other);
      } catch {
        // Not everything is possible everywhere.
      }
    });
};

function furnishAll(): void {
  for (const path of paths) {
    if (/[pq]$/.test(path)) mkdirSync(path, { recursive: true });
    else writeFileSync(path, ".".repeat(++written));
  }
}

/** Cases of changes in folders of a few names, so that they meet. */
export function randomCases(trees: Trees, count: number, options: { seed: number; links?: boolean }): TreeCase[] {
  const several = (least: number, most: number) =>
    fc.array(change(trees, options.links ?? false), { minLength: least, maxLength: most }).map((all) => () => {
      for (const one of all) one();
    });
  const parts = fc.record({ before: several(0, 8), during: several(0, 3), after: several(1, 4) });
  return fc.sample(parts, { numRuns: count, seed: options.seed }).map(({ before, ...rest }) => ({
    ...rest,
    before: () => {
      furnishAll();
      before();
    },
  }));
}
