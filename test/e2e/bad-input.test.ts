import { afterEach, describe, expect, test } from "vitest";
import type { DoctorReport } from "../../src/contract/routes.ts";
import { useLab } from "./support/lab.ts";
import { countsOn, expectConsecutive, startLooper } from "./support/looper.ts";
import { eventually } from "./support/wait.ts";

const lab = useLab("bad", ["forky", "trixie"], ["busybox"]);

/** Nothing has been changed: the original runs on, and the destination holds nothing but what a test put there. */
async function expectUnharmed(there = ""): Promise<void> {
  expectConsecutive(await countsOn(lab, "h1", "looper", 2));
  expect(await lab.on("h2", "docker ps -a --format '{{.Names}}'")).toBe(there);
  expect(
    await lab.on("h2", "docker volume ls -q; ls /var/lib/godwit/pending /run/godwit/images | grep -v '^/' || true"),
  ).toBe("");
  expect(await lab.on("h1", "find /var/lib/godwit -path '*/checkpoints/*' -name '.*.partial'")).toBe("");
}

const agentAnswers = (host: string) => lab.on(host, "until godwit operations ls >/dev/null 2>&1; do sleep 0.1; done");

const refusals: [code: string, exit: number, call: string[]][] = [
  ["no-such-container", 3, ["migrate", "h1/nobody", "h2"]],
  ["no-such-container", 3, ["checkpoint", "create", "h1/nobody"]],
  ["no-such-container", 3, ["checkpoint", "ls", "h1/nobody"]],
  ["no-such-container", 3, ["restore", "h1/nobody", "cp"]],
  ["no-such-container", 3, ["recover", "h1/nobody"]],
  ["no-such-host", 3, ["migrate", "h1/looper", "h9"]],
  ["no-such-host", 3, ["migrate", "h9/looper", "h1"]],
  ["no-such-checkpoint", 3, ["rollback", "h1/looper", "never"]],
  ["no-such-checkpoint", 3, ["clone", "h1/looper@never", "other"]],
  ["no-such-operation", 3, ["operations", "cancel", "nothing"]],
  ["usage", 2, ["migrate", "h1/looper", "h1"]],
  ["usage", 2, ["migrate", "h1/looper@cp", "h2"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--mode", "sideways"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--bandwidth", "400"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--drain-bandwidth", "10kbit"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--downtime-limit", "3h"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--on-no-convergence", "hope"]],
  ["usage", 2, ["migration", "set", "nothing"]],
  ["no-such-migration", 3, ["migration", "set", "nothing", "--bandwidth", "unlimited"]],
  ["no-such-migration", 3, ["migration", "cancel", "nothing"]],
  ["usage", 2, ["migrate", "h1/looper"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "h3"]],
  ["invalid-name", 2, ["migrate", "", "h2"]],
  ["invalid-name", 2, ["migrate", "h1/../looper", "h2"]],
  ["invalid-name", 2, ["migrate", "h1/looper", "../h2"]],
  ["invalid-name", 2, ["checkpoint", "create", "h1/looper", "a/b"]],
  ["invalid-name", 2, ["checkpoint", "create", "h1/looper", "dot."]],
  ["invalid-name", 2, ["rollback", "h1/looper", "x".repeat(300)]],
  ["invalid-name", 2, ["clone", "h1/looper", "ünï"]],
  ["invalid-name", 2, ["clone", "h1/looper", "x"]],
  ["name-taken", 4, ["clone", "h1/looper", "looper"]],
  ["container-running", 4, ["restore", "h1/looper", "cp"]],
];

test("a mode that these hosts cannot do: what is missing where, and what would do instead", async ({ skip }) => {
  const reports = await lab.json<DoctorReport[]>("doctor");
  const tracks = reports.some(({ verdicts }) =>
    verdicts.some(({ check, level }) => check === "dirty-tracking" && level === "ok"),
  );
  skip(tracks, "this machine's kernel tracks changed memory");
  await startLooper(lab, "h1", "looper");
  expect(await lab.refusal("migrate", "h1/looper", "h2", "--mode", "precopy")).toMatchObject({
    code: "preflight-failed",
    exit: 5,
    message: expect.stringMatching(/pre-copy needs dirty tracking, which h1 and h2 do not have/),
    hint: expect.stringMatching(/--mode postcopy.*on h1: .*on h2: /),
  });
  await expectUnharmed();
});

test("what is misspelt, misused or missing is refused in a sentence with a hint, and changes nothing", async () => {
  await startLooper(lab, "h1", "looper");
  for (const [code, exit, call] of refusals) {
    const expected = { code, exit, message: expect.stringMatching(/^\S.*\.$/), hint: expect.any(String) };
    expect(await lab.refusal(...call), call.join(" ")).toMatchObject(expected);
  }
  await expectUnharmed();
});

interface Stored {
  name: string;
  image: string;
  containerId: string;
  trees: { kind: string; name: string; destination: string }[];
  inspect: {
    Name: string;
    Config: { Image: string };
    HostConfig: { Binds: string[] };
    Mounts: { Name?: string }[];
    NetworkSettings: { Networks: Record<string, unknown> };
  };
}

test("names that were put into a stored checkpoint lead nowhere", async () => {
  await startLooper(lab, "h1", "looper", { flags: "-v data:/data" });
  await lab.json("checkpoint", "create", "h1/looper", "cp");
  const path = "/var/lib/godwit/checkpoints/looper/cp/record.json";
  const text = await lab.on("h1", `cat ${path}`);
  const evil = "../../x";
  const at = (record: Stored, tree: number) => record.trees[tree] ?? { kind: "", name: "", destination: "" };
  const changes: Record<string, (record: Stored) => unknown> = {
    "name of a volume": (record) => Object.assign(at(record, 1), { name: evil }),
    "name of the writable layer": (record) => Object.assign(at(record, 0), { name: evil }),
    "kind of a tree": (record) => Object.assign(at(record, 1), { kind: "bind" }),
    "target of a volume": (record) => Object.assign(at(record, 1), { destination: "data" }),
    image: (record) => Object.assign(record, { image: evil }),
    "id of the image": (record) => Object.assign(record, { imageId: `sha256:${evil}` }),
    "id of the container": (record) => Object.assign(record, { containerId: evil }),
    "its own name": (record) => Object.assign(record, { name: evil }),
    "its parent": (record) => Object.assign(record, { parent: evil }),
    "described name": (record) => Object.assign(record.inspect, { Name: "/../../x" }),
    "described image": (record) => Object.assign(record.inspect.Config, { Image: evil }),
    "described bind": (record) => Object.assign(record.inspect.HostConfig, { Binds: [`${evil}:/data`] }),
    "described volume": (record) => record.inspect.Mounts.map((mount) => Object.assign(mount, { Name: evil })),
    "described network": (record) => Object.assign(record.inspect.NetworkSettings.Networks, { [evil]: {} }),
    "a line break": (record) => Object.assign(record, { image: "busybox\nother" }),
  };
  for (const [what, change] of Object.entries(changes)) {
    const record = JSON.parse(text) as Stored;
    change(record);
    await lab.on("h1", `cat >${path}`, JSON.stringify(record));
    for (const call of [
      ["rollback", "h1/looper", "cp"],
      ["clone", "h1/looper@cp", "other"],
    ]) {
      const refused = await lab.refusal(...call);
      expect(refused, what).toMatchObject({
        code: "invalid-checkpoint",
        exit: 5,
        message: expect.stringMatching(/^\S.*\.$/),
      });
      expect(refused, what).not.toHaveProperty("details");
    }
  }
  expect(await lab.on("h1", "docker ps -a --format '{{.Names}}'; docker volume ls -q")).toBe("looper\ndata");
  await lab.on("h1", `cat >${path}`, text);
  await lab.json("rollback", "h1/looper", "cp");
  await countsOn(lab, "h1", "looper", 2);
  await lab.on("h1", "docker rm -f looper; docker volume rm data");
});

test.each([
  ["stopped", "docker stop -t 0 looper", "docker start looper"],
  ["paused", "docker pause looper", "docker unpause looper"],
])("a %s container is neither moved nor checkpointed, and the hint says what to do", async (_, stop, hint) => {
  await startLooper(lab, "h1", "looper");
  await lab.on("h1", stop);
  for (const call of [
    ["migrate", "h1/looper", "h2"],
    ["checkpoint", "create", "h1/looper"],
    ["clone", "h1/looper", "c2"],
  ])
    expect(await lab.refusal(...call)).toMatchObject({ code: "container-not-running", exit: 4, hint });
  expect(await lab.on("h2", "docker ps -aq")).toBe("");
});

describe("the destination refuses before anything is changed", () => {
  test("a name that is taken there, by a move and by a clone", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.godwit("lab", "image", "h2", "busybox");
    await lab.on("h2", "docker create --pull never --name looper busybox");
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code: "name-taken", exit: 4 });
    expect(await lab.refusal("clone", "h1/looper", "h2/looper")).toMatchObject({ code: "name-taken", exit: 4 });
    await expectUnharmed("looper");
  });

  test.each([
    ["a port that a process listens on", "-p 8099:80", "busybox nc -l -p 8099 >/dev/null 2>&1 & echo $!", "kill"],
    ["a volume of the same name", "-v data:/data", "docker volume create data", "docker volume rm"],
  ])("%s", async (_, flags, prepare, clean) => {
    await startLooper(lab, "h1", "looper", { flags });
    const made = await lab.on("h2", prepare);
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code: "preflight-failed", exit: 5 });
    await lab.on("h2", `${clean} ${made}`);
    await expectUnharmed();
    await lab.on("h1", "docker rm -f -v looper; docker volume rm -f data");
  });

  test.each([
    ["a bind mount whose path is missing", "-v /srv/only-here:/mnt", "preflight-failed"],
    ["a network that is missing", "--network lonely", "preflight-failed"],
    ["process ids that are shared with the host", "--pid host", "unsupported-container"],
    ["a device of the host", "--device /dev/null:/dev/mine", "unsupported-container"],
  ])("%s", async (_, flags, code) => {
    await lab.on("h1", "docker network create lonely >/dev/null 2>&1 || true");
    await startLooper(lab, "h1", "looper", { flags });
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code, exit: 5 });
    await expectUnharmed();
  });
});

describe("what moves with a warning, moves", () => {
  test.each([["--rm"], ["--privileged"], ["--network host"]])("%s", async (flags) => {
    await startLooper(lab, "h1", "looper", { flags });
    const { warnings } = await lab.json<{ warnings: string[] }>("migrate", "h1/looper", "h2");
    expect(warnings).toHaveLength(1);
    expectConsecutive(await countsOn(lab, "h2", "looper"));
    expect(await lab.on("h1", "docker ps -aq")).toBe("");
  });
});

describe("a host that lacks something", () => {
  const restartAgent = async (host: string) => {
    const other = '[ "$(cat /run/godwit/agent.pid 2>/dev/null || echo $old)" != $old ]';
    await lab.on(host, `old=$(cat /run/godwit/agent.pid); kill $old; until ${other}; do sleep 0.1; done`);
    await agentAnswers(host);
  };
  afterEach(async () => {
    await lab.on("h2", "[ ! -e /usr/sbin/criu.away ] || mv /usr/sbin/criu.away /usr/sbin/criu; rm -f /run/lab/*.down");
    await agentAnswers("h2");
  });

  test.each([
    ["no CRIU", "true", "criu-missing"],
    [
      "a CRIU that does not work",
      "printf '#!/bin/sh\\n[ $1 = --version ] && echo Version: 3.17.1' >/usr/sbin/criu; chmod 755 /usr/sbin/criu",
      "criu-missing",
    ],
    [
      "another CRIU",
      "printf '#!/bin/sh\\n[ $1 = --version ] && echo Version: 4.1.1 || exec /usr/sbin/criu.away \"$@\"' >/usr/sbin/criu; chmod 755 /usr/sbin/criu",
      "preflight-failed",
    ],
  ])("%s", async (_, replace, code) => {
    await startLooper(lab, "h1", "looper");
    await lab.on("h2", `mv /usr/sbin/criu /usr/sbin/criu.away; ${replace}`);
    await restartAgent("h2");
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code, exit: 5 });
    expect((await lab.godwit("doctor", "h1", "h2")).status).toBe(5);
    await expectUnharmed();
    await lab.on("h2", "mv /usr/sbin/criu.away /usr/sbin/criu");
    await restartAgent("h2");
  });

  test("files of another version than its agent, until it is set up again", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.on("h2", "echo '# another' >>/usr/local/lib/godwit/godwit-runtime");
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code: "hook-missing", exit: 5 });
    await expectUnharmed();
    await lab.on("h2", "godwit setup");
    expect(await lab.json("migrate", "h1/looper", "h2")).toMatchObject({ destination: "h2" });
  });

  test.each([
    ["its agent", "agent", "/run/godwit/agent.pid", "agent-unreachable"],
    ["its Docker", "dockerd", "/run/lab/dockerd.pid", "docker-unreachable"],
  ])("%s is down: others are still listed, and doctor says it", async (_, what, pid, code) => {
    await startLooper(lab, "h1", "looper");
    await lab.on("h2", `touch /run/lab/${what}.down; kill $(cat ${pid})`);
    await eventually("it is down", async () =>
      (await lab.godwit("doctor", "h2")).stdout.includes("does not answer") ? true : undefined,
    );
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code, exit: 6 });
    expect(await lab.json("ps")).toMatchObject([
      { host: "h1", problem: null, containers: [{ name: "looper" }] },
      { host: "h2", problem: expect.stringContaining("does not answer") },
    ]);
    const doctor = await lab.godwit("doctor", "--json");
    expect(doctor.status).toBe(5);
    const reports = JSON.parse(doctor.stdout) as DoctorReport[];
    expect(reports[1]?.verdicts.filter(({ level }) => level === "fail")).toMatchObject([{ code }]);
    await lab.on("h2", `rm /run/lab/${what}.down`);
    await agentAnswers("h2");
    await eventually("it is up", async () => ((await lab.godwit("doctor", "h2")).status === 0 ? true : undefined));
    await expectUnharmed();
  });
});

test("a second move of the same container names the first", async () => {
  await startLooper(lab, "h1", "looper");
  await lab.on("h1", "docker exec looper sh -c 'head -c 20000000 /dev/urandom >/big'");
  const moved = await lab.during(
    "sync",
    async () => {
      const [first] = (await lab.json<{ id: string; state: string }[]>("migration", "ls")).slice(-1);
      const refused = await lab.refusal("migrate", "h1/looper", "h2");
      expect(refused).toMatchObject({ code: "busy", exit: 4, message: expect.stringContaining(first?.id ?? "?") });
      await lab.json("migration", "set", first?.id ?? "", "--bandwidth", "unlimited");
    },
    ...["migrate", "h1/looper", "h2", "--bandwidth", "8mbit"],
  );
  expect(moved.status, moved.stderr).toBe(0);
});

test.each(["prepare", "sync", "arm"])(
  "a move that is interrupted while it is in %s leaves all in order",
  async (phase) => {
    await startLooper(lab, "h1", "looper");
    const cancelled = await lab.during(
      phase,
      async ({ pid }) => process.kill(pid, "SIGINT"),
      "migrate",
      "h1/looper",
      "h2",
    );
    expect(cancelled.status).toBe(8);
    await expectUnharmed();
    expect((await lab.godwit("migrate", "h1/looper", "h2")).status).toBe(0);
  },
);
