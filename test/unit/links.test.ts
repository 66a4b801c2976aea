import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const pages = [
  ...["README.md", "README.zh-CN.md", "CONTRIBUTING.md"],
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

/** Targets of a page's links, without those to other sites. */
function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^\w+:/.test(target));
}

/** Files and folders of the checkout that a page names as code. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/`((?:src|runtime|scripts|bench|test|testing|docs)\/[\w./-]*)`/g)].map(
    ([, path = ""]) => path,
  );
}

test("links and paths are found in a text", () => {
  expect(linksOf("see [a](b.md), [c](../d.md#e) and [f](https://g.h/)")).toEqual(["b.md", "../d.md#e"]);
  expect(pathsIn("`src/a/b.ts`, `src/a/` and `npm run docs`")).toEqual(["src/a/b.ts", "src/a/"]);
  expect(pages).toContain("docs/design/a-move.md");
});

test.each(pages)("what %s links to and names is there", (page) => {
  const text = readFileSync(join(root, page), "utf8");
  const targets = linksOf(text).map((link) => join(dirname(page), link.replace(/#.*/, "")));
  const missing = [...targets, ...pathsIn(text)].filter((path) => !existsSync(join(root, path)));
  expect(missing).toEqual([]);
});

test("the first page of docs/design links to every other one", () => {
  const linked = linksOf(readFileSync(join(root, "docs/design.md"), "utf8"));
  expect(linked).toEqual(
    expect.arrayContaining(readdirSync(join(root, "docs/design")).map((name) => `design/${name}`)),
  );
});
