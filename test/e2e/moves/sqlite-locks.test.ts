import { beforeAll, expect, test } from "vitest";
import type { MigrationResult } from "../../../src/contract/migration.ts";
import { makePrograms } from "../support/programs.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);
beforeAll(() => makePrograms(lab, "h1", ["transactions"]));

const start = (name: string, ...words: string[]) =>
  lab.on("h1", `docker run --pull never -d --name ${name} programs transactions ${words.join(" ")}`);
const linesOf = async (host: string, name: string) => (await lab.on(host, `docker logs ${name} 2>&1`)).split("\n");
const goesOn = async (host: string, name: string) => {
  const before = (await linesOf(host, name)).length;
  await eventually(`${name} goes on`, async () => (await linesOf(host, name)).length > before + 5 || undefined);
};

test("a freeze waits for the end of a transaction of SQLite: its locks hold", async () => {
  await start("shop");
  await goesOn("h1", "shop");
  for (const [from, to, mode] of [
    ["h1", "h2", "precopy"],
    ["h2", "h1", "cold"],
    ["h1", "h2", "postcopy"],
  ] as const) {
    await lab.json("migrate", `${from}/shop`, to, "--mode", mode, "--in-flight", "refuse");
    await goesOn(to, "shop");
  }
  const lines = await linesOf("h2", "shop");
  expect(lines).toEqual(lines.map((_, i) => String(i)));
});

test("a transaction that does not end is named, and can be refused", async () => {
  await start("endless", "for-ever");
  await goesOn("h1", "endless");
  const named = /process 1 \(transactions\) is in a transaction of the SQLite database \/database/i;
  const error = await lab.refusal("migrate", "h1/endless", "h2", "--in-flight", "refuse");
  expect(error).toMatchObject({ code: "in-flight", message: expect.stringMatching(named) });
  const { warnings } = await lab.json<MigrationResult>("migrate", "h1/endless", "h2");
  expect(warnings).toEqual([expect.stringMatching(named)]);
  // What the warning says is true.
  await goesOn("h2", "endless");
  expect(await linesOf("h2", "endless")).toContain("LOST");
});
