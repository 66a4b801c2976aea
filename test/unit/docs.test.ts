import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cliPage } from "../../scripts/docs/cli-page.ts";
import { compatibilityPage, readResults } from "../../scripts/docs/compatibility-page.ts";
import { errorsPage } from "../../scripts/docs/errors-page.ts";

test.each([
  ["docs/errors.md", errorsPage],
  ["docs/cli.md", cliPage],
  ["docs/compatibility.md", compatibilityPage],
])("%s is up to date (npm run docs)", (file, page) => {
  expect(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")).toBe(page());
});

test("every recorded result is that of a test that is still there", () => {
  for (const { id, test } of readResults()) {
    const text = readFileSync(new URL(`../../${test}`, import.meta.url), "utf8");
    expect(text, `${test} has no ${id}`).toContain(id.split("-")[0]);
  }
});
