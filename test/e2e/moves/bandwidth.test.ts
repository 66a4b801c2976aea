import { describe, expect, test } from "vitest";
import type { Migration } from "../../../src/contract/migration.ts";
import type { OperationEvent, Progress } from "../../../src/contract/operations.ts";
import type { CliResult } from "../support/lab.ts";
import { countsOn, expectConsecutive } from "../support/looper.ts";
import { bytesFlow, runningMove, startWithFiles } from "../support/running-move.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);

const progressOf = ({ stdout }: CliResult, phase: string): Progress[] =>
  stdout
    .split("\n")
    .map((line) => JSON.parse(line) as OperationEvent)
    .flatMap((event) => (event.body?.type === "progress" ? [event.body.progress] : []))
    .filter((progress) => progress.phase === phase);

/** Each round of files counts from 0. */
function firstRound(all: Progress[]): Progress[] {
  const second = all.findIndex(({ bytesTransferred }, at) => bytesTransferred < (all[at - 1]?.bytesTransferred ?? 0));
  return second < 0 ? all : all.slice(0, second);
}

/** Compares the reported bytes with the time in which they went. */
function expectRate(all: Progress[], bytesPerSecond: number): [Progress, Progress] {
  // After the last byte the phase may last longer.
  const whole = all.at(-1)?.bytesTransferred ?? 0;
  const [first, last] = [all[0], all.findLast(({ bytesTransferred }) => bytesTransferred < whole * 0.95)];
  if (!first || !last || last.elapsed - first.elapsed < 2000)
    throw new Error(`too few reports: ${JSON.stringify(all)}`);
  const seconds = (last.elapsed - first.elapsed) / 1000;
  const rate = (last.bytesTransferred - first.bytesTransferred) / seconds;
  expect(rate).toBeLessThan(bytesPerSecond * 1.1);
  expect(rate).toBeGreaterThan(bytesPerSecond * 0.8);
  if (rate < bytesPerSecond * 0.9) process.stdout.write(`only ${rate} of ${bytesPerSecond} bytes per second\n`);
  expect(all.length).toBeGreaterThan(seconds * 2);
  return [first, last];
}

describe("bandwidth", () => {
  test("limits what is sent while the container runs, and the progress reports add up", async () => {
    await startWithFiles(lab, "paced", 28);
    const bytesPerSecond = 8_000_000;
    const moved = await lab.during("sync", () => bytesFlow(lab), "migrate", "h1/paced", "h2", "--bandwidth", "64mbit");
    expect(moved.status, moved.stderr).toBe(0);
    const all = firstRound(progressOf(moved, "sync").filter(({ iteration }) => iteration === 0));
    const [first] = expectRate(all, bytesPerSecond);
    expect(first.bytesTotal).toBeGreaterThanOrEqual(28_000_000);
    expect(all.at(-1)).toMatchObject({ bytesRemaining: 0, remaining: 0 });
    for (const { bytesTotal, bytesTransferred, bytesRemaining } of all) {
      expect(bytesRemaining).toBe(bytesTotal - bytesTransferred);
    }
    expectConsecutive(await countsOn(lab, "h2", "paced"));
  });

  test("limits the memory that follows after the resume, separately (--drain-bandwidth)", async () => {
    const fill =
      'for (i = 0; i < 300000; i++) held[i] = i " some words that nobody reads"; print "filled"; getline < "/fifo"';
    await lab.on(
      "h1",
      `docker run --pull never -d --name later busybox sh -c 'mkfifo /fifo; exec awk "$0"' 'BEGIN { ${fill} }'`,
    );
    await eventually(
      "it has its memory",
      async () => (await lab.on("h1", "docker logs later")) === "filled" || undefined,
    );
    const call = ["migrate", "h1/later", "h2", "--mode", "postcopy", "--drain-bandwidth", "40mbit"];
    const moved = await lab.godwit("--json", ...call);
    expect(moved.status, moved.stderr).toBe(0);
    // A program that ended needs no memory any more.
    expect(await lab.on("h2", "docker ps -a --filter name=later --format '{{.State}} {{.Status}}'")).toMatch(
      /^running/,
    );
    expectRate(progressOf(moved, "drain"), 5_000_000);
  });

  test("can be changed while the migration runs, and 'migration ls' shows it", async () => {
    await startWithFiles(lab, "hurried", 40);
    const hurry = async () => {
      await bytesFlow(lab);
      const { id } = await runningMove(lab);
      const shown = await lab.json<Migration>("migration", "show", id.slice(0, 6));
      expect(shown).toMatchObject({
        ...{ id, container: "hurried", source: "h1", destination: "h2", phase: "sync", cancellable: true },
        settings: { downtimeLimitMs: 300, bandwidth: 1_000_000, drainBandwidth: null },
        progress: { phase: "sync" },
      });
      const rounds = await lab.refusal("migration", "switch", id);
      expect(rounds).toMatchObject({ code: "wrong-phase", exit: 4, message: expect.stringContaining("sync") });
      expect(
        await lab.json("migration", "set", id, "--bandwidth", "unlimited", "--downtime-limit", "2s"),
      ).toMatchObject({ settings: { downtimeLimitMs: 2000, bandwidth: null } });
    };
    const moved = await lab.during("sync", hurry, "migrate", "h1/hurried", "h2", "--bandwidth", "8mbit");
    expect(moved.status, moved.stderr).toBe(0);
    // At 1 MB/s it would take 40 s.
    const rates = progressOf(moved, "sync").map(({ bandwidth }) => bandwidth ?? 0);
    expect(Math.max(...rates)).toBeGreaterThan(3_000_000);
    const ended = (await lab.json<Migration[]>("migration", "ls")).at(-1);
    expect(ended).toMatchObject({ container: "hurried", state: "done", settings: { bandwidth: null } });
    for (const steer of [["set", "--bandwidth", "1gbit"], ["switch"], ["cancel"]]) {
      const refused = await lab.refusal("migration", ...steer, ended?.id ?? "");
      expect(refused).toMatchObject({ code: "wrong-phase", exit: 4, hint: expect.stringContaining("migration show") });
    }
    const { stdout } = await lab.godwit("migration", "watch", ended?.id ?? "");
    expect(stdout).toMatch(/sync: .* of .*\n[\s\S]*moved from h1 to h2[\s\S]*CRIU's own statistics/);
  });
});
