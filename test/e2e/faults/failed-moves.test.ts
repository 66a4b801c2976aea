import { beforeAll, describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, stateOf } from "../support/looper.ts";
import { makePrograms } from "../support/programs.ts";
import { errorOf } from "../support/running-move.ts";
import { eventually } from "../support/wait.ts";
import { startWitnessed, witnessGoesOn } from "../support/witness.ts";

const lab = useLab("failures", ["trixie", "forky"], ["busybox"]);
const containersOn = (host: string) => lab.on(host, "docker ps -a --format '{{.Names}}'");
const agentAnswers = (host: string) => lab.on(host, "godwit operations ls --json");

/** All that a move that did not happen could leave on its destination. */
async function expectNothingOnDestination(): Promise<void> {
  expect(await containersOn("h2")).toBe("");
  expect(await lab.on("h2", "docker volume ls -q; ls /var/lib/godwit/pending; ls /run/godwit/images 2>/dev/null")).toBe(
    "",
  );
}

/** Starts a container that will hold something that CRIU cannot dump, after the checks have passed. */
async function startRefused(options = ""): Promise<void> {
  await lab.on("h1", "docker volume create go && rm -f /var/lib/docker/volumes/go/_data/now");
  await lab.on("h1", `docker run --pull never -d -v go:/go ${options} --name refused programs cannot-dump`);
  await countsOn(lab, "h1", "refused");
}

/** @returns the error of a command that CRIU refuses under the freeze */
async function refusedLate(...command: string[]) {
  const hold = () => lab.on("h1", "touch /var/lib/docker/volumes/go/_data/now && sleep 0.3");
  const result = await lab.during("sync", hold, ...command);
  expect(result.status).toBe(7);
  return errorOf(result) ?? { code: "", message: result.stdout };
}

describe("a move that fails", () => {
  beforeAll(() => makePrograms(lab, "h1", ["cannot-dump"]));

  test("because CRIU refuses the container: it counts on, and the error has CRIU's reason", async () => {
    await startRefused("--restart always");
    const error = await refusedLate("migrate", "h1/refused", "h2");
    expect(error).toMatchObject({ code: "dump-failed", hint: "'refused' keeps running on h1." });
    expect(error.message).toMatch(/CRIU could not dump the container: .*(landlock-ruleset|secretmem)/);
    expectConsecutive(await countsOn(lab, "h1", "refused", 10));
    await expectNothingOnDestination();
    expect(await lab.on("h1", "docker inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.RestartCount}}' refused")).toBe(
      "always 0",
    );
  });

  test("a checkpoint that CRIU refuses: the container counts on, and there is no checkpoint", async () => {
    for (const stop of [[], ["--stop"]]) {
      await startRefused();
      const error = await refusedLate("checkpoint", "create", "h1/refused", "cp", ...stop);
      expect(error).toMatchObject({ code: "dump-failed" });
      expectConsecutive(await countsOn(lab, "h1", "refused", 10));
      if (stop.length === 0) await lab.on("h1", "docker rm -f refused");
    }
    expectConsecutive(await countsOn(lab, "h1", "refused", 10));
    expect(await lab.json("checkpoint", "ls", "h1/refused")).toMatchObject([{ checkpoints: [] }]);
  });

  test("because the name is taken on the destination: neither container changes", async () => {
    await startWitnessed(lab, "h1", "twice");
    await lab.json("clone", "h1/twice", "h2/other");
    await lab.on("h2", "docker rename other twice && docker stop -t 0 twice");
    const theirs = await lab.on("h2", "docker inspect -f '{{.Id}} {{.State.Status}}' twice");
    const error = await lab.refusal("migrate", "h1/twice", "h2");
    expect(error.exit).toBeGreaterThanOrEqual(4);
    expect(error.message).toContain("twice");
    expect(await lab.on("h2", "docker inspect -f '{{.Id}} {{.State.Status}}' twice")).toBe(theirs);
    expect(await stateOf(lab, "h1", "twice")).toBe("running");
    expectConsecutive(await countsOn(lab, "h1", "twice"));
  });

  test.each(["Ctrl-C", "operations cancel"])("because of %s before the switchover: it counts on", async (how) => {
    await startWitnessed(lab, "h1", "heavy");
    await lab.on("h1", "docker exec heavy dd if=/dev/urandom of=/ballast bs=1000000 count=60");
    const cancel = async ({ pid }: { pid: number }) => {
      if (how === "Ctrl-C") return process.kill(pid, "SIGINT");
      const all = await lab.json<{ id: string; kind: string; state: string }[]>("operations", "ls");
      const move = all.find(({ kind, state }) => kind === "migrate" && state === "running");
      return lab.json("operations", "cancel", move?.id ?? "none is running");
    };
    // Its files would take a minute: also on a busy machine the cancel comes before they are there.
    const { status, stdout } = await lab.during("sync", cancel, "migrate", "h1/heavy", "h2", "--bandwidth", "8mbit");
    expect(stdout).toContain('"code":"cancelled"');
    expect(status).toBe(8);
    await witnessGoesOn(lab);
    expectConsecutive(await countsOn(lab, "h1", "heavy"));
    await eventually("the destination is empty again", async () => (await containersOn("h2")) === "" || undefined);
    await expectNothingOnDestination();
  });
});

describe("an agent killed during a move", () => {
  const [destination, source] = [["destination", "h2"] as const, ["source", "h1"] as const];
  const both = [destination, source];
  // Before the switchover the original just runs on. A short run has two of these phases, and each agent.
  const victims = {
    prepare: isFullRun ? both : [destination],
    sync: isFullRun ? both : [source],
    arm: isFullRun ? both : [],
    ...{ switchover: both, drain: both },
  };
  const cases = Object.entries(victims).flatMap(([phase, agents]) => agents.map((agent) => [...agent, phase] as const));
  test.each(cases)(
    "the %s's (%s), in the phase %s: the container runs on one host, and lost nothing",
    async (_, victim, phase) => {
      const name = `c-${victim}-${phase}`;
      await startWitnessed(lab, "h1", name);
      const kill = () => lab.on(victim, "kill -9 $(cat /run/lab/agent.pid)");
      const command = await lab.during(phase, kill, "migrate", `h1/${name}`, "h2");
      for (const host of ["h1", "h2"]) {
        await eventually(
          `the agent of ${host} is back`,
          async () => (await agentAnswers(host)) !== undefined || undefined,
        );
      }
      await eventually("the container is on one host", async () => {
        const places = await Promise.all(["h1", "h2"].map(containersOn));
        return places.filter((names) => names !== "").length === 1 || undefined;
      });
      await witnessGoesOn(lab);
      const where = (await containersOn("h1")) === "" ? "h2" : "h1";
      expect(await stateOf(lab, where, name)).toBe("running");
      expectConsecutive(await countsOn(lab, where, name));
      // A command that ended well says where the container is; one that failed left it where it was.
      const ended = JSON.parse(command.stdout.split("\n").at(-1) ?? "");
      expect(command.status === 0 ? "h2" : "h1").toBe(where);
      if (command.status === 0) expect(ended).toMatchObject({ source: "h1", destination: "h2" });
      // Nothing of the move is in the way of the next one.
      if (!["switchover", "drain"].includes(phase)) return;
      const other = where === "h1" ? "h2" : "h1";
      await lab.json("migrate", `${where}/${name}`, other);
      await witnessGoesOn(lab);
      expectConsecutive(await countsOn(lab, other, name));
    },
  );
});
