import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cliPage } from "../../scripts/docs/cli-page.ts";
import { errorsPage } from "../../scripts/docs/errors-page.ts";

test.each([
  ["docs/errors.md", errorsPage],
  ["docs/cli.md", cliPage],
])("%s is up to date (npm run docs)", (file, page) => {
  expect(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")).toBe(page());
});
