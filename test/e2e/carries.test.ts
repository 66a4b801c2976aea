import { beforeAll, describe, expect, test } from "vitest";
import { readLog } from "./support/docker-api.ts";
import { useLab } from "./support/lab.ts";
import { countsOn, expectConsecutive, logNumbers, startLooper, stateOf } from "./support/looper.ts";
import { makePrograms } from "./support/programs.ts";
import { type } from "./support/terminal.ts";
import { eventually } from "./support/wait.ts";

const lab = useLab("carries", ["trixie", "forky"]);
beforeAll(() => makePrograms(lab, "h1", ["memcheck"]));

const log = (host: string, name: string) => readLog(lab, host, name);
const logHas = (host: string, name: string, what: RegExp) =>
  eventually(`the log of ${name} on ${host} has ${what}`, async () => what.exec(await log(host, name)) ?? undefined);

describe("memory", () => {
  test("of 256 MiB, written to all the time, is right after every move and rollback", async () => {
    await lab.on("h1", "docker run --pull never -d --name memory programs memcheck 256");
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
  test("a container with a terminal counts on, moved and restored", async () => {
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
  ])(
    "a shell that is reached through its %s knows on the other host what it was told before",
    async (_, flags, terminal) => {
      await lab.on("h1", `docker run --pull never ${flags} -d --name shell busybox sh`);
      await type(lab, "h1", "shell", "secret=$((40 + 1))", terminal);
      await lab.json("migrate", "h1/shell", "h2");
      await type(lab, "h2", "shell", "echo told:$((secret + 1)):", terminal);
      await logHas("h2", "shell", /told:42:/);
      expect(await stateOf(lab, "h2", "shell")).toBe("running");
      expect(await lab.on("h2", "docker exec shell echo reached")).toBe("reached");
    },
  );
});

/** Moves folders, links and removes files, as fast as it can, and counts as long as all of it is as it left it. */
const restless = `
mkdir -p /t/one/deep/er /t/two && echo kept >/t/one/deep/er/x && echo f >/t/f
n=0
while true; do
  mv /t/one/deep /t/two/deep && ln /t/f /t/two/f && mkdir /t/made && echo $n >/t/made/n &&
    [ "$(cat /t/two/deep/er/x /t/made/n)" = "kept
$n" ] && [ ! -e /t/one/deep ] && [ /t/f -ef /t/two/f ] &&
    rm -r /t/made /t/two/f && mv /t/two/deep /t/one/deep &&
    [ "$(cat /t/one/deep/er/x)" = kept ] && [ "$(echo /t/* /t/two/*)" = "/t/f /t/one /t/two /t/two/*" ] || { echo BROKEN; exit 1; }
  echo $n
  n=$((n + 1))
done`;

describe("files in the writable layer", () => {
  test("are as a program left them that changes them all the time", async () => {
    await lab.on("h1", `docker run --pull never -d --name restless busybox sh -c '${restless}'`);
    await countsOn(lab, "h1", "restless");
    for (const [from, to] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      await lab.json("migrate", `${from}/restless`, to);
      expectConsecutive(await countsOn(lab, to, "restless"));
    }
  });

  test("one of the image that is removed before its turn comes ends nothing, and stays removed", async () => {
    const make = "docker run --name stock programs sh -c 'mkdir /z; echo image >/z/last'";
    await lab.on("h1", `${make} && docker commit stock stocked && docker rm stock`);
    // The writable layer has a copy of it that is to be sent, and then a device that hides it, which rsync cannot open.
    const program = "echo more >>/z/last; head -c 50000000 /dev/urandom >/big; echo written; exec tail -f /dev/null";
    await lab.on("h1", `docker run --pull never -d --name remover stocked sh -c '${program}'`);
    await eventually("it has written", async () => (await lab.on("h1", "docker logs remover")) || undefined);
    const remove = () => lab.on("h1", "sleep 1; docker exec remover rm /z/last");
    const { status, stdout } = await lab.during("sync", remove, "migrate", "h1/remover", "h2", "--bandwidth", "80mbit");
    expect(status, stdout.slice(-2000)).toBe(0);
    expect(await lab.on("h2", "docker exec remover sh -c 'ls /z; wc -c </big'")).toBe("50000000");
  });
});

describe.each([
  ["Docker 26", "h1"],
  ["Docker 28", "h2"],
])("a checkpoint that 'docker checkpoint create' made on %s", (_, host) => {
  test("is listed, and godwit restores it", async () => {
    await lab.godwit("lab", "image", host, "busybox");
    await experimental(host);
    await startLooper(lab, host, "theirs");
    await lab.on(host, "docker checkpoint create theirs by-docker");
    await eventually("it has stopped", async () => (await stateOf(lab, host, "theirs")) === "exited" || undefined);
    const stopped = await logNumbers(lab, host, "theirs");
    expect(await lab.json("checkpoint", "ls", `${host}/theirs`)).toMatchObject([
      { host, checkpoints: [{ name: "by-docker", origin: "docker", container: "theirs" }] },
    ]);
    await lab.json("restore", `${host}/theirs`, "by-docker");
    const after = await countsOn(lab, host, "theirs");
    expect(after.slice(0, stopped.length)).toEqual(stopped);
    expectConsecutive(after);
  });
});

/** Docker checkpoints only with this setting, which it reads at its start. */
async function experimental(host: string): Promise<void> {
  const file = "/etc/docker/daemon.json";
  const settings = JSON.parse(await lab.on(host, `cat ${file}`));
  await lab.on(host, `cat >${file}`, JSON.stringify({ ...settings, experimental: true }));
  await lab.on(host, "kill $(cat /run/lab/dockerd.pid)");
  await eventually(`Docker on ${host} is experimental`, async () => {
    const info = await lab.attempt(host, "docker version --format '{{.Server.Experimental}}'");
    return info.stdout.trim() === "true" || undefined;
  });
}
