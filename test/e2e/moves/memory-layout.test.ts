import { beforeAll, describe, expect, test } from "vitest";
import type { MigrationResult } from "../../../src/contract/migration.ts";
import { isFullRun } from "../support/full-run.ts";
import { makePrograms } from "../support/programs.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["trixie", "forky"]);
beforeAll(() => makePrograms(lab, "h1", ["prefork", "huge"]));

const mebibyte = 2 ** 20;
const [size, workers] = [96, 6];

/** The memory of all of its processes, by the kernel's count: a page that several of them map counts once. */
async function memoryOf(host: string): Promise<number> {
  const pids = "docker top prefork -eo pid | tail -n +2";
  const kibibytes = await lab.on(
    host,
    `for pid in $(${pids}); do cat /proc/$pid/smaps_rollup; done | awk '/^Pss:/ { all += $2 } END { print all }'`,
  );
  return Number(kibibytes) * 1024;
}

async function goesOn(host: string, container = "prefork"): Promise<void> {
  const passes = async () => {
    const said = await lab.on(host, `docker logs ${container} 2>&1`);
    expect(said).not.toContain("CORRUPT");
    return said.match(/pass \d+/g)?.length ?? 0;
  };
  const before = await passes();
  await eventually("two whole checks", async () => (await passes()) > before + 1 || undefined);
}

describe("a program whose six workers share its memory by copy-on-write", () => {
  test.each(isFullRun ? ["precopy", "postcopy", "cold"] : ["precopy"])(
    "%s: it has no more memory after moves there and back",
    async (mode) => {
      await lab.on("h1", `docker run --pull never -d --name prefork --user 1000 programs prefork ${size} ${workers}`);
      await goesOn("h1");
      const before = await memoryOf("h1");
      expect(before).toBeLessThan(1.3 * size * mebibyte);
      for (const [from, to] of [
        ["h1", "h2"],
        ["h2", "h1"],
      ] as const) {
        const result = await lab.json<MigrationResult>("migrate", `${from}/prefork`, to, "--mode", mode, "--verify");
        expect(result.mode).toBe(mode);
        await goesOn(to);
        expect(await lab.on(to, "docker top prefork -eo pid | tail -n +2 | wc -l")).toBe(String(workers + 1));
        expect((await memoryOf(to)) / before).toBeLessThan(1.15);
      }
    },
  );
});

test("a clone of it, and (full run) the container after a rollback, have no more memory than it had", async () => {
  await lab.on("h1", `docker run --pull never -d --name prefork --user 1000 programs prefork ${size} ${workers}`);
  await goesOn("h1");
  const before = await memoryOf("h1");
  await lab.json("checkpoint", "create", "h1/prefork", "shared");
  await lab.json("clone", "h1/prefork@shared", "h2/prefork");
  await goesOn("h2");
  expect((await memoryOf("h2")) / before).toBeLessThan(1.15);
  if (!isFullRun) return;
  await lab.json("rollback", "h1/prefork", "shared");
  await goesOn("h1");
  expect((await memoryOf("h1")) / before).toBeLessThan(1.15);
});

describe("a program whose memory is in huge pages", () => {
  const hugeOf = async (host: string) => {
    const pid = "$(docker inspect -f '{{.State.Pid}}' huge)";
    return Number(await lab.on(host, `awk '/^AnonHugePages:/ { print $2 }' /proc/${pid}/smaps_rollup`)) / 1024;
  };

  test.each(isFullRun ? ["precopy", "postcopy"] : ["postcopy"])("%s: it has them again after a move", async (mode) => {
    await lab.on("h1", "docker run --pull never -d --name huge --user 1000 programs huge 64");
    await goesOn("h1", "huge");
    expect(await hugeOf("h1")).toBeGreaterThanOrEqual(62);
    await lab.json<MigrationResult>("migrate", "h1/huge", "h2", "--mode", mode);
    await eventually("its pages are huge", async () => (await hugeOf("h2")) >= 62 || undefined);
    await goesOn("h2", "huge");
  });
});
