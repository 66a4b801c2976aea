import { describe, expect, test } from "vitest";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, idOf, logNumbers, startLooper, stateOf } from "../support/looper.ts";
import { eventually } from "../support/wait.ts";

const lab = useLab("recovery", ["forky"], ["busybox"]);

const killAgent = "kill -9 $(cat /run/godwit/agent.pid)";
const cgroupOf = (id: string) => `$(find /sys/fs/cgroup -type d -name '*${id}*' | head -n 1)`;

/** Begins a command in h1 and kills its agent as soon as a condition of the shell holds; nothing waits for the command. */
const killAgentWhen = (condition: string, command: string) =>
  lab.on("h1", `${command} >/dev/null 2>&1 & while ! { ${condition}; }; do :; done; ${killAgent}`);

/** Waits until the agent has started again and nothing is under way any more; gives the newest operation. */
const settled = () =>
  eventually("the agent is back and everything is settled", async () => {
    const all = await lab.json<{ state: string; error: { code: string } | null; result: unknown }[]>(
      "operations",
      "ls",
    );
    return all.some(({ state }) => state === "running") ? undefined : all.at(-1);
  });

async function expectNothingLeft(): Promise<void> {
  expect(await lab.on("h1", "ls /var/lib/godwit/pending /run/godwit/images | grep -v '^/' || true")).toBe("");
  expect(await lab.on("h1", "find /var/lib/godwit/checkpoints -name '.*.partial'")).toBe("");
  expect(await lab.on("h1", "docker ps -a --format '{{.Names}}' | grep godwit || true")).toBe("");
  expect(await lab.on("h1", "find /var/lib/docker -maxdepth 3 -name '*.godwit-*'")).toBe("");
}

/** Starts a container with much memory. */
async function startBig(): Promise<void> {
  const fill = 's="x"; while (length(s) < 200000000) s = s s';
  const count = 'while (1) { print i++; fflush(); system("sleep 0.1") }';
  await lab.on("h1", `docker run --pull never -d --name big busybox awk 'BEGIN { ${fill}; ${count} }'`);
  await eventually("it counts", async () => ((await logNumbers(lab, "h1", "big")).length > 3 ? true : undefined));
}

/** Nothing reads the memory of the container, and the kernel follows no writes to it: what its mappings say. */
async function expectUntracked(): Promise<void> {
  expect(await lab.on("h1", "pgrep -x godwit-memory || true")).toBe("");
  const tracked = `cat $(docker top big -o pid | sed -n '2,$s|.*|/proc/&/smaps|p') | grep -c ' uw' || true`;
  expect((await lab.on("h1", tracked)).trim()).toBe("0");
}

describe("an agent that is killed", () => {
  test("while the container is frozen for a checkpoint: it runs on, and the checkpoint can be taken again", async () => {
    const id = await startLooper(lab, "h1", "looper");
    await killAgentWhen(`grep -q 1 ${cgroupOf(id)}/cgroup.freeze`, "godwit checkpoint create looper cp");
    expect((await settled())?.error).toMatchObject({ code: "agent-ended" });
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    await expectNothingLeft();
    await lab.json("checkpoint", "create", "h1/looper", "cp");
  });

  test("while memory is copied: the container runs on, and nothing is left that follows its writes", async () => {
    await startBig();
    await killAgentWhen("mount | grep -q /run/godwit/images/checkpoint-", "godwit checkpoint create big cp");
    expect((await settled())?.error).toMatchObject({ code: "agent-ended" });
    expectConsecutive(await countsOn(lab, "h1", "big"));
    await expectNothingLeft();
    await expectUntracked();
    await lab.json("checkpoint", "create", "h1/big", "cp");
  });

  test.each([
    ["plain runc", ""],
    ["the hook", "--runtime godwit"],
  ])("while the container is frozen for a rollback, under %s: it goes on as it was", async (_, flags) => {
    const id = await startLooper(lab, "h1", "looper", { flags: `--restart always ${flags}` });
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    const before = (await countsOn(lab, "h1", "looper", 5)).at(-1) ?? -1;
    await killAgentWhen(`grep -q 1 ${cgroupOf(id)}/cgroup.freeze`, "godwit rollback looper cp");
    expect((await settled())?.error).toMatchObject({ code: "agent-ended" });
    const log = await countsOn(lab, "h1", "looper");
    expectConsecutive(log);
    expect(log.at(-1)).toBeGreaterThan(before);
    expect(await idOf(lab, "h1", "looper")).toBe(id);
    expect(await lab.on("h1", "docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' looper")).toBe("always");
    await expectNothingLeft();
    await lab.json("rollback", "h1/looper", "cp");
  });

  test("after a rollback has ended the original: the container goes on from the checkpoint", async () => {
    const id = await startLooper(lab, "h1", "looper", { flags: "--restart always" });
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await countsOn(lab, "h1", "looper", 15);
    await killAgentWhen(`! grep -q . ${cgroupOf(id)}/cgroup.procs 2>/dev/null`, "godwit rollback looper cp");
    expect(await settled()).toMatchObject({ error: null });
    const log = await countsOn(lab, "h1", "looper");
    expect(log.filter((number, i) => i > 0 && number !== (log[i - 1] ?? 0) + 1)).toHaveLength(1);
    expect(await lab.on("h1", "docker ps -a --format '{{.Names}} {{.State}}'")).toBe("looper running");
    expect(await lab.on("h1", "docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' looper")).toBe("always");
    await expectNothingLeft();
    await lab.json("rollback", "h1/looper", "cp");
  });

  test("during a restore: the container is stopped or runs, and can be restored again", async () => {
    const id = await startLooper(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "cp", "--stop");
    await killAgentWhen("ls /var/lib/godwit/pending | grep -q .", "godwit restore looper cp");
    const { error } = (await settled()) ?? {};
    if (error) {
      expect(error).toMatchObject({ code: "agent-ended" });
      expect(await idOf(lab, "h1", "looper")).toBe(id);
      expect(await stateOf(lab, "h1", "looper")).toBe("exited");
      await lab.json("restore", "h1/looper", "cp");
    }
    await expectNothingLeft();
    expectConsecutive(await countsOn(lab, "h1", "looper"));
  });
});

test.each([
  ["while memory is copied", () => "mount | grep -q /run/godwit/images/checkpoint-"],
  ["during the dump", (cgroup: string) => `grep -q 1 ${cgroup}/cgroup.freeze`],
])("a checkpoint that is cancelled %s leaves the container running", async (_, condition) => {
  await startBig();
  const when = condition(cgroupOf(await idOf(lab, "h1", "big")));
  const cancelled = await lab.attempt(
    "h1",
    `godwit checkpoint create big cp & while ! { ${when}; }; do :; done; kill -INT $!; wait $!`,
  );
  expect(cancelled).toMatchObject({ status: 8, stderr: expect.stringContaining("was cancelled") });
  expectConsecutive(await countsOn(lab, "h1", "big"));
  await expectNothingLeft();
  await expectUntracked();
  await lab.json("checkpoint", "create", "h1/big", "cp");
});

test("a full disk ends a checkpoint with an error; the container runs on, and no part of the checkpoint is left", async () => {
  await startLooper(lab, "h1", "looper");
  await lab.on("h1", "cd /var/lib/godwit; mkdir -p checkpoints; mount -t tmpfs -o size=100k none checkpoints");
  try {
    const refused = await lab.refusal("checkpoint", "create", "h1/looper", "cp");
    expect(refused, JSON.stringify(refused)).toMatchObject({ code: "no-space", exit: 5 });
    await expectNothingLeft();
  } finally {
    await lab.on("h1", "umount /var/lib/godwit/checkpoints");
  }
  expectConsecutive(await countsOn(lab, "h1", "looper"));
});

test("only root can read a checkpoint", async () => {
  await startLooper(lab, "h1", "looper");
  await lab.json("checkpoint", "create", "h1/looper", "cp");
  const store = "/var/lib/godwit/checkpoints";
  expect(await lab.on("h1", `stat -c %a ${store} ${store}/looper ${store}/looper/cp`)).toBe("700\n700\n700");
  expect(await lab.on("h1", `find ${store}/looper/cp/images ${store}/looper/cp/record.json -type f -perm /077`)).toBe(
    "",
  );
});
