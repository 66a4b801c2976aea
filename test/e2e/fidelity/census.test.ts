import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectedOf } from "../../fidelity/verdicts.ts";
import { isFullRun } from "../support/full-run.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);

/** What a move refuses, and `netlink`: its socket hears of every network of the machine, and is never quiet. */
const left = "lease,file,netlink";

type Report = Record<string, string>;

/** Makes the image `census` on a host. */
async function makeCensus(host: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-census-"));
  try {
    const sources = globSync(join(import.meta.dirname, "../../fidelity/census/*.c"));
    await execa("gcc", ["-O1", "-static", "-o", join(folder, "census"), ...sources, "-lrt", "-lpthread"]);
    const { stdout } = await execa("tar", ["-C", folder, "-cz", "census"], { encoding: "buffer" });
    await lab.on(
      host,
      "docker create --pull never --name shelf busybox && base64 -d | gunzip | docker cp - shelf:/bin && docker commit shelf census && docker rm shelf",
      Buffer.from(stdout).toString("base64"),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the container says of itself now. The program removes the file when it begins to answer, and writes the report as a whole. */
async function report(host: string, name: string): Promise<Report> {
  await lab.on(host, `docker exec ${name} sh -c 'rm -f /census/report.json; touch /census/ask'`);
  const text = await eventually("the census is written", async () => {
    const found = await lab.on(host, `docker exec ${name} sh -c 'cat /census/report.json 2>/dev/null || true'`);
    return found || undefined;
  });
  return JSON.parse(text);
}

async function start(name: string, areas = `--without ${left}`): Promise<Report> {
  const flags = `--cap-add ALL --security-opt seccomp=unconfined -v ${name}:/census`;
  await lab.on("h1", `docker run --pull never -d --name ${name} ${flags} census /bin/census run ${areas}`);
  await eventually("the census is ready", async () =>
    (await lab.on("h1", `docker logs ${name} 2>&1`)).includes("ready") ? true : undefined,
  );
  return report("h1", name);
}

const isSet = (value: string | undefined) => value !== undefined && !value.startsWith("unset:");

interface Outcome {
  properties: number;
  kept: string[];
  /** By name. Objects, because a formatter leaves them as JSON.stringify writes them. */
  changed: Record<string, { before: string; after: string }>;
}

function compare(before: Report, after: Report): Outcome {
  const names = Object.keys(before).filter((name) => isSet(before[name]));
  const different = names.filter((name) => after[name] !== before[name]);
  const changed = different.map((name) => [name, { before: before[name], after: after[name] ?? "missing" }]);
  return {
    properties: names.length,
    kept: names.filter((name) => after[name] === before[name]),
    changed: Object.fromEntries(changed),
  };
}

const outcomes: Record<string, Outcome> = {};

function expectNothingSilent(way: string, before: Report, after: Report, words: string): void {
  const outcome = compare(before, after);
  outcomes[way] = outcome;
  const silent = Object.entries(outcome.changed).filter(([name]) => {
    const row = expectedOf(name);
    return !row || (row.how === "told" && !row.warning?.test(words));
  });
  expect(silent.map(([name, { before: was, after: is }]) => `${name}: ${was} -> ${is}`)).toEqual([]);
  expect(outcome.properties).toBeGreaterThan(800);
}

beforeAll(() => makeCensus("h1"));
afterAll(() => {
  if (!isFullRun || Object.keys(outcomes).length === 0) return;
  mkdirSync("test/results", { recursive: true });
  writeFileSync("test/results/fidelity.json", `${JSON.stringify(outcomes, null, 2)}\n`);
});

describe("of all state that Linux lets a process have, what changes is named", () => {
  test.each(isFullRun ? ["auto", "cold"] : ["auto"])("in a move: %s", async (mode) => {
    const before = await start(`moves-${mode}`);
    const moved = await lab.godwit("migrate", `h1/moves-${mode}`, "h2", "--mode", mode);
    expect(moved.status, moved.stderr).toBe(0);
    expectNothingSilent(mode, before, await report("h2", `moves-${mode}`), moved.stdout);
    await lab.on("h2", `docker rm -f moves-${mode}`);
  });

  test.each(isFullRun ? ["rollback"] : [])("in a %s", async (way) => {
    const before = await start("returns");
    const taken = await lab.godwit("checkpoint", "create", "h1/returns", "all");
    expect(taken.status, taken.stderr).toBe(0);
    const back = await lab.godwit("rollback", "h1/returns", "all");
    expect(back.status, back.stderr).toBe(0);
    expectNothingSilent(way, before, await report("h1", "returns"), taken.stdout);
  });
});

test("with --in-flight refuse, unread events end the move, and the container runs on with them", async () => {
  const before = await start("unread", "--only inotify-queued");
  const refused = await lab.refusal("migrate", "h1/unread", "h2", "--in-flight", "refuse");
  expect(refused).toMatchObject({
    ...{ code: "in-flight", exit: 4, hint: expect.stringContaining("--in-flight lose") },
    message: expect.stringMatching(
      /process \d+ \(census\) has not read \d+ bytes of events from its inotify descriptor \d+/,
    ),
  });
  // Each question makes events as well.
  const waiting = (of: Report) => Number(of["inotify-queued.waiting"]);
  expect(waiting(await report("h1", "unread"))).toBeGreaterThanOrEqual(waiting(before));
  expect(await lab.on("h2", "docker ps -aq")).toBe("");
});
