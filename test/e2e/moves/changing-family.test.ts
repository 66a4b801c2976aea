import { beforeAll, expect, test } from "vitest";
import type { MigrationResult } from "../../../src/contract/migration.ts";
import { isFullRun } from "../support/full-run.ts";
import { makePrograms } from "../support/programs.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

// Processes that change their memory in every way, while it moves and while it follows. Each knows what its pages must hold.
const lab = useSharedLab(["forky", "forky"]);
beforeAll(() => makePrograms(lab, "h1", ["changing-family"]));

const [processes, regions, pages] = isFullRun ? [24, 20, 800] : [12, 16, 400];
/** Until most processes have looked at most of their pages. */
const checkMs = isFullRun ? 15_000 : 5_000;

test.each(isFullRun ? [1, 2, 3] : [1])(
  "a family that changes its memory finds it as it left it (seed %d)",
  async (seed) => {
    const program = `changing-family ${processes} ${regions} ${pages} ${seed} lock`;
    await lab.on("h1", `docker run --pull never -d --name family --cap-add IPC_LOCK programs ${program}`);
    const said = (host: string) => lab.on(host, "docker logs family 2>&1");
    const alive = async (host: string) => Number(await lab.on(host, "docker top family -eo pid | tail -n +2 | wc -l"));
    await eventually("the family is whole", async () => (await alive("h1")) === processes || undefined);
    for (const [mode, from, to] of [
      ["precopy", "h1", "h2"],
      ["postcopy", "h2", "h1"],
      ...(isFullRun ? ([["cold", "h1", "h2"]] as const) : []),
    ] as const) {
      const result = await lab.json<MigrationResult>("migrate", `${from}/family`, to, "--mode", mode, "--verify");
      expect(result.verifiedBytes).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, checkMs));
      expect(await said(to)).not.toMatch(/CORRUPT|FAILED/);
      expect(await alive(to)).toBeGreaterThan(processes / 2);
    }
  },
);
