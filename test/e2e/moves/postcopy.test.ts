import { beforeAll, describe, expect, test } from "vitest";
import type { Release } from "../../../src/lab/recipe.ts";
import { readLog } from "../support/docker-api.ts";
import { isFullRun } from "../support/full-run.ts";
import { mustGodwit, useLab } from "../support/lab.ts";
import { stateOf } from "../support/looper.ts";
import { makePrograms } from "../support/programs.ts";
import { eventually } from "../support/wait.ts";

const releases: Release[] = ["forky", "trixie"];
const lab = useLab("postcopy", releases, ["busybox"]);
beforeAll(() => makePrograms(lab, "h1", ["memcheck"]));

/** What ends a container in Docker, and what Docker says of one that it cannot end. */
const enders: [string, RegExp][] = [
  ["docker restart -t 1", /./],
  // Docker gives up waiting, or sees the end in time.
  ["docker kill", /^$|did not receive an exit event/],
  ["docker rm -f", /./],
];

const log = (host: string, name: string) => readLog(lab, host, name);

/** From now on the program checks all of its memory twice, and every word is correct. */
async function memoryIsRight(host: string, name: string): Promise<void> {
  const passes = async () => (await log(host, name)).match(/pass \d+/g)?.length ?? 0;
  const before = await passes();
  await eventually("two whole checks", async () => (await passes()) > before + 1 || undefined);
  expect(await log(host, name)).not.toContain("CORRUPT");
}

async function startMemory(name: string, mebibytes: number): Promise<void> {
  await lab.on("h1", `docker run --pull never -d --name ${name} programs memcheck ${mebibytes}`);
  await eventually("it has filled its memory", async () => (await log("h1", name)).includes("pass 1") || undefined);
}

/** Reads the log of the copy while it runs: it is gone when the original goes on. */
function followCopy(name: string) {
  const said = lab.attempt("h2", `timeout 15 docker logs --follow ${name} 2>&1`);
  const hasLooked = lab.on(
    "h2",
    `timeout 20 sh -c 'until docker logs ${name} 2>&1 | grep -q pass; do sleep 0.1; done'`,
  );
  return { said, hasLooked };
}

async function expectNothingWrong(copy: ReturnType<typeof followCopy> | undefined): Promise<void> {
  const seen = (await copy?.said)?.stdout ?? "";
  expect(seen).toContain("pass 1");
  expect(seen).not.toContain("CORRUPT");
}

describe("a post-copy move", () => {
  test("moves all memory, there and back", async () => {
    await startMemory("there-and-back", 128);
    for (const [from, to] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      const moved = await lab.json("migrate", `${from}/there-and-back`, to, "--mode", "postcopy");
      expect(moved).toMatchObject({ mode: "postcopy", source: from, destination: to });
      expect(await stateOf(lab, from, "there-and-back")).toBeUndefined();
      await memoryIsRight(to, "there-and-back");
    }
  });

  const cuts: [string, string, number][] = [
    // Longer than a connection may be silent, so that the stream has to go on over another one.
    ["was cut for 30 s", "drop", 30],
    ["reset its connections", "reject with tcp reset", 2],
  ];
  test.each(isFullRun ? cuts : cuts.slice(0, 1))(
    "goes on where it was after the link %s",
    async (_, verdict, seconds) => {
      await startMemory("cut", 256);
      const rules = `table inet cut { chain input { type filter hook input priority 0; tcp dport 7480 ${verdict}; tcp sport 7480 ${verdict}; }; }`;
      const cut = () => lab.on("h2", `echo '${rules}' | nft -f - && sleep ${seconds} && nft delete table inet cut`);
      const { status, stdout } = await lab.during("drain", cut, "migrate", "h1/cut", "h2", "--mode", "postcopy");
      expect(status, stdout.slice(-2000)).toBe(0);
      expect(await stateOf(lab, "h1", "cut")).toBeUndefined();
      await memoryIsRight("h2", "cut");
    },
  );

  test("a program that forks while its memory arrives runs on there", async () => {
    const grow = "x=$(head -c 60000000 /dev/urandom | tr \\\\0 x); echo filled";
    const loop = "i=0; while true; do echo count $i; i=$((i+1)); sleep 0.1; done";
    await lab.on("h1", `docker run --pull never -d --name forks busybox sh -c '${grow}; ${loop}'`);
    await eventually("it counts", async () => (await log("h1", "forks")).includes("count 5") || undefined);
    const limit = ["--mode", "postcopy", "--drain-bandwidth", "40mbit"];
    await lab.json("migrate", "h1/forks", "h2", ...limit);
    expect(await stateOf(lab, "h1", "forks")).toBeUndefined();
    const counted = (await log("h2", "forks")).match(/count/g)?.length ?? 0;
    await eventually(
      "it counts on",
      async () => ((await log("h2", "forks")).match(/count/g)?.length ?? 0) > counted + 5 || undefined,
    );
  });

  test.each([
    ["the process that fetches pages", "h2", "pkill -9 -f '[g]odwit-lazy-pages'", "h1"],
    ["the agent of the destination", "h2", "kill -9 $(cat /run/lab/agent.pid)", "h2"],
    ["the agent of the source", "h1", "kill -9 $(cat /run/lab/agent.pid)", "h2"],
  ])("never lets a missing page be read when %s is killed", async (_, host, kill, runsOn) => {
    await startMemory("killed", 512);
    let copy: ReturnType<typeof followCopy> | undefined;
    const watchAndKill = async () => {
      copy = followCopy("killed");
      await copy.hasLooked;
      await lab.on(host, kill);
    };
    await lab.during("drain", watchAndKill, "migrate", "h1/killed", "h2", "--mode", "postcopy");
    await eventually("it runs in one place", async () => {
      const states = await Promise.all(["h1", "h2"].map((each) => stateOf(lab, each, "killed").catch(() => "unknown")));
      const other = runsOn === "h1" ? states[1] : states[0];
      return (states[runsOn === "h1" ? 0 : 1] === "running" && other === undefined) || undefined;
    });
    await expectNothingWrong(copy);
    await memoryIsRight(runsOn, "killed");
  });

  test("never lets a missing page be read when the frozen original is killed", async () => {
    await startMemory("original", 512);
    let copy: ReturnType<typeof followCopy> | undefined;
    const kill = async () => {
      copy = followCopy("original");
      await copy.hasLooked;
      // While kills are deferred, nobody can kill it.
      await lab.on(
        "h1",
        "for each in /run/godwit/freezer/godwit-*; do echo THAWED >$each/freezer.state; done; pkill -9 memcheck",
      );
    };
    const limit = ["--mode", "postcopy", "--drain-bandwidth", "200mbit"];
    const { status, stdout } = await lab.during("drain", kill, "migrate", "h1/original", "h2", ...limit);
    expect(status).not.toBe(0);
    expect(stdout).toContain("docker start original");
    await expectNothingWrong(copy);
    await eventually("one is left, and it has ended", async () => {
      const states = await Promise.all(["h1", "h2"].map((each) => stateOf(lab, each, "original")));
      return (states[0] === "exited" && states[1] === undefined) || undefined;
    });
  });

  test.each(isFullRun ? enders : enders.slice(0, 1))(
    "is not disturbed by '%s' of the original: the copy gets all of its memory, and nothing begins from scratch",
    async (command, refusal) => {
      await startMemory("wanted", 256);
      const id = await lab.on("h1", "docker inspect -f '{{.Id}}' wanted");
      const starts = lab.attempt("h1", "timeout 120 docker events --filter event=start --filter container=wanted");
      let ended: ReturnType<typeof lab.attempt> | undefined;
      const end = async () => {
        ended = lab.attempt("h1", `${command} wanted`);
      };
      const limit = ["--mode", "postcopy", "--drain-bandwidth", "100mbit"];
      const { status, stdout } = await lab.during("drain", end, "migrate", "h1/wanted", "h2", ...limit);
      expect(status, stdout.slice(-2000)).toBe(0);
      expect((await ended)?.stderr).toMatch(refusal);
      expect(await stateOf(lab, "h1", "wanted")).toBeUndefined();
      await memoryIsRight("h2", "wanted");
      await lab.attempt("h1", "pkill -f 'docker events --filter event=start'");
      expect((await starts).stdout).toBe("");
      // Labs of one machine share this hierarchy, and a CRIU that has dumped meanwhile makes the empty cgroup again.
      const held = await lab.attempt("h1", `cat /run/godwit/freezer/godwit-${id}/cgroup.procs`);
      expect(held.stdout).toBe("");
    },
  );

  test("never lets a missing page be read when the source's machine dies", async () => {
    await startMemory("orphan", 512);
    const [status] = await lab.json<{ hosts: { name: string; pid: number }[] }[]>("lab", "status");
    const { pid } = status?.hosts.find(({ name }) => name === "h1") ?? {};
    if (!pid) throw new Error("h1 is not up.");
    let copy: ReturnType<typeof followCopy> | undefined;
    const die = async () => {
      copy = followCopy("orphan");
      await copy.hasLooked;
      process.kill(pid, "SIGKILL");
    };
    await lab.during("drain", die, "migrate", "h1/orphan", "h2", "--mode", "postcopy").catch(() => {});
    await expectNothingWrong(copy);
    await mustGodwit(lab, "lab", "up", "--hosts", "2", "--release", releases.join(","));
    // Its memory was lost with the machine. The container is left in one place, and can be started from scratch.
    await eventually("one is left, and it has ended", async () => {
      const states = await Promise.all(["h1", "h2"].map((each) => stateOf(lab, each, "orphan").catch(() => "unknown")));
      return (states[0] === "exited" && states[1] === undefined) || undefined;
    });
  });
});
