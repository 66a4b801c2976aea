import { beforeAll, describe, expect, test } from "vitest";
import { readLog } from "../support/docker-api.ts";
import { isFullRun } from "../support/full-run.ts";
import { countsOn, expectConsecutive, startLooper, stateOf } from "../support/looper.ts";
import { makePrograms } from "../support/programs.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { type } from "../support/terminal.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["trixie", "forky"], ["busybox"]);
beforeAll(() => makePrograms(lab, "h1", ["memcheck"]));

const log = (host: string, name: string) => readLog(lab, host, name);
const logHas = (host: string, name: string, what: RegExp) =>
  eventually(`the log of ${name} on ${host} has ${what}`, async () => what.exec(await log(host, name)) ?? undefined);

const mebibytes = isFullRun ? 256 : 96;

describe("memory", () => {
  test(`of ${mebibytes} MiB that is written all the time is correct after every move and rollback`, async () => {
    await lab.on("h1", `docker run --pull never -d --name memory programs memcheck ${mebibytes}`);
    await logHas("h1", "memory", /pass 1\b/);
    await lab.json("checkpoint", "create", "h1/memory", "cp");
    for (const [from, to] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      await lab.json("migrate", `${from}/memory`, to);
      expect(await stateOf(lab, from, "memory")).toBeUndefined();
      const passes = async () => (await log(to, "memory")).match(/pass \d+/g)?.length ?? 0;
      const before = await passes();
      await eventually("two whole checks since the move", async () => (await passes()) > before + 1 || undefined);
      expect(await log(to, "memory")).not.toContain("CORRUPT");
    }
    await lab.json("rollback", "h1/memory", "cp");
    const passes = await eventually("two whole checks since the rollback", async () => {
      const all = [...(await log("h1", "memory")).matchAll(/pass (\d+)/g)].map(([, pass]) => Number(pass));
      const jump = all.findIndex((pass, i) => i > 0 && pass <= (all[i - 1] ?? 0));
      return jump > 0 && all.length > jump + 2 ? all.slice(jump) : undefined;
    });
    expectConsecutive(passes, passes[0]);
    expect(await log("h1", "memory")).not.toContain("CORRUPT");
  });
});

describe("a terminal and an open input", () => {
  test("a container with a terminal counts on after a move and after a restore", async () => {
    await startLooper(lab, "h1", "tty", { flags: "-it" });
    await lab.json("migrate", "h1/tty", "h2");
    expectConsecutive(await countsOn(lab, "h2", "tty"));
    await lab.json("checkpoint", "create", "h2/tty", "cp", "--stop");
    await lab.json("restore", "h2/tty", "cp");
    expectConsecutive(await countsOn(lab, "h2", "tty"));
    await lab.json("migrate", "h2/tty", "h1");
    expectConsecutive(await countsOn(lab, "h1", "tty"));
  });

  test.each([
    ["terminal", "-it", { rows: 24, columns: 80 }],
    ["open input", "-i", undefined],
  ])("a shell with its %s still has its variables on the other host", async (_, flags, terminal) => {
    await lab.on("h1", `docker run --pull never ${flags} -d --name shell busybox sh`);
    await type(lab, "h1", "shell", "secret=$((40 + 1))", terminal);
    await lab.json("migrate", "h1/shell", "h2");
    await type(lab, "h2", "shell", "echo told:$((secret + 1)):", terminal);
    await logHas("h2", "shell", /told:42:/);
    expect(await stateOf(lab, "h2", "shell")).toBe("running");
    expect(await lab.on("h2", "docker exec shell echo reached")).toBe("reached");
  });
});
