import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cliPage } from "../../scripts/docs/cli-page.ts";
import { compatibilityPage, readResults } from "../../scripts/docs/compatibility-page.ts";
import { errorsPage } from "../../scripts/docs/errors-page.ts";
import { fidelityPage } from "../../scripts/docs/fidelity-page.ts";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

test.each([
  ["docs/errors.md", errorsPage],
  ["docs/cli.md", cliPage],
  ["docs/compatibility.md", compatibilityPage],
  ["docs/fidelity.md", fidelityPage],
])("%s is up to date (npm run docs)", (file, page) => {
  expect(read(file)).toBe(page());
});

/** Whether a test with this id stands in the text: `id: "nginx"`, or with a part that is computed, id: `nginx-${megabytes}`. */
function hasTest(text: string, id: string): boolean {
  const declared = [...text.matchAll(/\bid: (["`])(.+?)\1/g)].map(([, , pattern = ""]) => pattern);
  return declared.some((pattern) => new RegExp(`^${pattern.replaceAll(/\$\{.+?\}/g, "\\w+")}$`).test(id));
}

test("every recorded result has its test, in a file that a run uses", () => {
  const runs = ["test/e2e/programs/programs.test.ts", "test/e2e-vm/programs.long.ts"].map(read).join();
  const results = readResults();
  expect(results.filter(({ id, test }) => !hasTest(read(test), id)).map(({ id }) => id)).toEqual([]);
  expect(results.filter(({ test }) => !runs.includes(`/${test.split("/").at(-1)}"`))).toEqual([]);
});
