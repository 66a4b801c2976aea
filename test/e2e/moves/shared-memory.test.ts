import { beforeAll, describe, expect, test } from "vitest";
import type { Verdict } from "../../../src/contract/facts.ts";
import type { MigrationPlan, MigrationResult } from "../../../src/contract/migration.ts";
import { testInFullRun } from "../support/full-run.ts";
import { makePrograms } from "../support/programs.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["trixie", "forky"], ["busybox"]);
beforeAll(() => makePrograms(lab, "h1", ["shared-memory"]));

const mebibyte = 2 ** 20;
/** In MiB: more than the least room for images that every container gets. */
const size = 320;
const start = `docker run --pull never -d --name shares --shm-size 256m --tmpfs /scratch programs shared-memory ${size}`;

async function passes(host: string): Promise<number> {
  const said = await lab.on(host, "docker logs shares 2>&1");
  expect(said).not.toContain("CORRUPT");
  return said.match(/pass \d+/g)?.length ?? 0;
}

async function goesOn(host: string): Promise<void> {
  const before = await passes(host);
  await eventually("two whole checks", async () => (await passes(host)) > before + 1 || undefined);
}

describe("shared memory of several hundred MiB: anonymous, System V, memfd, and in a tmpfs", () => {
  test("is counted before a move, each object once", async () => {
    await lab.on("h1", start);
    await goesOn("h1");
    await lab.on("h1", "docker exec shares sh -c 'head -c 10485760 /dev/urandom >/scratch/file'");
    const plan = (mode: string) => lab.json<MigrationPlan>("migrate", "h1/shares", "h2", "--mode", mode, "--dry-run");
    const { memoryBytes, verdicts } = await plan("postcopy");
    const room = (all: Verdict[]) => all.find(({ check }) => check === "images-room")?.message;
    // What is in a tmpfs alone: the rest goes in rounds, or under the freeze in `cold`.
    const inTmpfs = new RegExp(`, images need ${size / 8 + 10}(\\.\\d)? MiB`);
    for (const said of [room(verdicts), room((await plan("cold")).verdicts)]) expect(said, said).toMatch(inTmpfs);
    // The rest is what the two processes have for themselves.
    expect(memoryBytes).toBeGreaterThan((size + 10) * mebibyte);
    expect(memoryBytes).toBeLessThan((size + 20) * mebibyte);
  });

  test.each(["precopy", "postcopy", "cold"])("%s: it moves, and every byte is correct", async (mode) => {
    await lab.on("h1", start);
    await goesOn("h1");
    const result = await lab.json<MigrationResult>("migrate", "h1/shares", "h2", "--mode", mode, "--verify");
    expect(result.mode).toBe(mode);
    await goesOn("h2");
  });

  testInFullRun("that grows while files are sent fits as well", async () => {
    await lab.on("h1", "docker run --pull never -d --name shares --tmpfs /scratch:size=1g programs shared-memory 16");
    await goesOn("h1");
    const grow = () =>
      lab.on(
        "h1",
        "docker exec shares sh -c 'head -c 314572800 /dev/urandom >/scratch/grown; md5sum /scratch/grown >/sum'",
      );
    await lab.on("h1", "docker exec shares sh -c 'head -c 30000000 /dev/urandom >/large'");
    // Files take a minute, far longer than it takes to grow.
    const { status, stdout } = await lab.during("sync", grow, "migrate", "h1/shares", "h2", "--bandwidth", "4mbit");
    expect(status, stdout.slice(-2000)).toBe(0);
    await goesOn("h2");
    expect(await lab.on("h2", "docker exec shares md5sum -c /sum")).toMatch(/OK/);
  });
});
