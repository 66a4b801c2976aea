import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labCgroup } from "../../../src/lab/host/cgroup.ts";
import { until } from "../../../src/lab/host/daemon.ts";
import { labExec, labRun } from "../../../src/lab/host/exec.ts";
import { labDown, labUp } from "../../../src/lab/lab.ts";
import { checkoutDir, labFolder } from "../../../src/lab/paths.ts";
import { labImage } from "../../../src/lab/roots/images.ts";
import { labHosts, labStatus } from "../../../src/lab/status.ts";

const one = `test-${process.pid}`;
const other = `test-${process.pid}-mixed`;

/** What a lab could leave behind on the machine. */
const traces = () => ({
  mounts: readFileSync("/proc/self/mountinfo", "utf8"),
  links: readdirSync("/sys/class/net").sort(),
});

/** Living processes that belong to a lab, by their cgroup or by what they were started with. */
function processesOf(lab: string): string[] {
  const read = (file: string) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => !read(`/proc/${pid}/stat`).includes(") Z "))
    .filter((pid) => `${read(`/proc/${pid}/cgroup`)}${read(`/proc/${pid}/cmdline`)}`.includes(`-${lab}-`));
}

function expectNothingLeft(lab: string, before: ReturnType<typeof traces>): void {
  expect(traces()).toEqual(before);
  expect(existsSync(labCgroup(lab))).toBe(false);
  expect(existsSync(labFolder(lab))).toBe(false);
  expect(processesOf(lab)).toEqual([]);
}

const before = traces();
afterAll(async () => {
  await labDown(one);
  await labDown(other);
});

describe("a lab that is up", () => {
  beforeAll(async () => {
    await labUp({ name: one });
    await labUp({ name: other, releases: ["trixie", "forky"] });
  });

  test("has hosts with Docker on a LAN, and leaves the machine's own network and mounts as before", async () => {
    const [lab] = await labStatus(one);
    expect(lab?.hosts).toMatchObject([
      { name: "h1", address: "10.88.0.1", release: "trixie", docker: expect.stringMatching(/^26\./) },
      { name: "h2", address: "10.88.0.2", release: "trixie", docker: expect.stringMatching(/^26\./) },
    ]);
    expect((await labRun(one, "h1", "timeout 2 sh -c 'busybox ping -c1 h2'")).status).toBe(0);
    expect(traces()).toEqual(before);
  });

  test("has agents that sleep while they have nothing to do", async () => {
    const wakeUps = async () =>
      Number(
        (
          await labRun(
            one,
            "h1",
            "cat /proc/$(cat /run/godwit/agent.pid)/task/*/status | awk '/^voluntary/ { n += $2 } END { print n }'",
          )
        ).stdout,
      );
    // The agent is busy after the start of the hosts.
    await delay(2000);
    const first = await wakeUps();
    await delay(5000);
    // A timer of 5 ms wakes it a thousand times.
    expect((await wakeUps()) - first).toBeLessThan(300);
  });

  test("stays as it is after a second 'lab up', which is refused with another number of hosts", async () => {
    const inits = labHosts(one).map((host) => host.pid);
    const docker = await labRun(one, "h1", "cat /run/lab/dockerd.pid");
    const started = performance.now();
    await labUp({ name: one });
    expect(performance.now() - started).toBeLessThan(5000);
    expect(labHosts(one).map((host) => host.pid)).toEqual(inits);
    expect((await labRun(one, "h1", "cat /run/lab/dockerd.pid")).stdout).toBe(docker.stdout);
    await expect(labUp({ name: one, hosts: 3 })).rejects.toMatchObject({ code: "lab-exists" });
  });

  test("runs beside another one with the same addresses and other releases", async () => {
    const [lab] = await labStatus(other);
    expect(lab?.hosts.map((host) => [host.address, host.docker?.split(".")[0]])).toEqual([
      ["10.88.0.1", "26"],
      ["10.88.0.2", "28"],
    ]);
  });

  test("passes on stdin, stdout, stderr and the status of a command", async () => {
    const result = await labRun(one, "h2", "cat; echo warned >&2; hostname; exit 7", { input: "given\n" });
    expect(result).toEqual({ status: 7, stdout: "given\nh2\n", stderr: "warned\n" });
    expect(await labExec(one, "h2", ["sh", "-c", "kill -9 $$"], { stdio: "ignore" })).toBe(137);
  });

  test("passes a signal on to the command", async () => {
    const done = labExec(one, "h1", ["sh", "-c", "trap 'exit 9' TERM; sleep 600 & wait"], { stdio: "ignore" });
    await delay(500);
    process.emit("SIGTERM", "SIGTERM");
    expect(await done).toBe(9);
  });

  test("gives a command a terminal of its own", async () => {
    expect(await labExec(one, "h1", ["test", "-t", "0"], { tty: true, stdio: ["pipe", "ignore", "ignore"] })).toBe(0);
  });

  test("refuses a host, lab, image or kind that does not exist", async () => {
    await expect(labExec(one, "h9", ["true"])).rejects.toMatchObject({ code: "no-such-host" });
    await expect(labExec("none", "h1", ["true"])).rejects.toMatchObject({ code: "no-such-lab" });
    await expect(labImage(one, "h1", "nginx")).rejects.toMatchObject({ code: "usage" });
    await expect(labUp({ name: "none", kind: "cloud" })).rejects.toMatchObject({ code: "usage" });
  });

  test.each(["busybox", "gcc"])("makes the image %s, with one id on all hosts", async (image) => {
    const places = [
      [one, "h1"],
      [one, "h2"],
      [other, "h1"],
      [other, "h2"],
    ] as const;
    const ids = new Set<string>();
    for (const [lab, host] of places) ids.add(await labImage(lab, host, image));
    expect(ids.size).toBe(1);
  });

  test.each([
    ["Docker 26", "h1"],
    ["Docker 28", "h2"],
  ])("runs, freezes and checkpoints containers: %s", async (_, host) => {
    await labImage(other, host, "gcc");
    const script = `set -e
      docker run --pull never -d --name work gcc sh -c 'while :; do date +%s; sleep 0.1; done'
      docker exec -i work sh -c 'printf "int main(){return 42;}" > /tmp/a.c && gcc -o /tmp/a /tmp/a.c && { /tmp/a || echo is $?; }'
      id=$(docker inspect --format '{{.Id}}' work)
      runc() { command runc --root /run/docker/runtime-runc/moby "$@"; }
      runc pause $id; runc resume $id
      mkdir -p /tmp/checkpoint/work
      runc checkpoint --empty-ns network --image-path /tmp/checkpoint --work-path /tmp/checkpoint/work $id
      docker wait work; docker rm -f work`;
    const result = await labRun(other, host, script);
    expect(result).toMatchObject({ status: 0, stdout: expect.stringContaining("is 42\n") });
  });

  test("starts dockerd again when it dies, unless it is held down", async () => {
    const pid = async () => (await labRun(one, "h2", "cat /run/lab/dockerd.pid")).stdout.trim();
    const first = await pid();
    await labRun(one, "h2", `touch /run/lab/dockerd.down; kill -9 ${first}`);
    await delay(1500);
    expect((await labStatus(one))[0]?.hosts[1]?.docker).toBeUndefined();
    await labRun(one, "h2", "rm /run/lab/dockerd.down");
    expect(await until(async () => (await labStatus(one))[0]?.hosts[1]?.docker, 20_000)).toBeDefined();
    expect(await pid()).not.toBe(first);
  });

  test("brings a host with its disk back after it died as in a power cut", async () => {
    const [h1] = labHosts(one);
    if (!h1) throw new Error("h1 is not up");
    await labImage(one, "h1", "busybox");
    process.kill(h1.pid, "SIGKILL");
    await until(() => (labHosts(one).length === 1 ? true : undefined), 5000);
    expect(labHosts(one).map((host) => host.name)).toEqual(["h2"]);
    await labUp({ name: one });
    expect((await labRun(one, "h1", "docker run --pull never --rm busybox echo back")).stdout).toBe("back\n");
    expect((await labRun(one, "h2", "timeout 2 busybox ping -c1 h1")).status).toBe(0);
  });
});

describe("nothing is left of a lab that is taken down", () => {
  const name = `test-${process.pid}-down`;
  const upInOwnProcess = () =>
    spawn(
      process.execPath,
      ["--input-type=module", "-e", `await (await import(process.argv[1])).labUp({name:"${name}"})`].concat(
        join(checkoutDir(), "src/lab/lab.ts"),
      ),
    );

  test("which ran containers, a frozen one among them; a second down does nothing", async () => {
    await labUp({ name });
    await labImage(name, "h1", "busybox");
    await labRun(name, "h1", "docker run --pull never -d --name ab busybox sleep 600; docker pause ab");
    await labDown(name);
    expectNothingLeft(name, before);
    await labDown(name);
  });

  test("whose inits were killed", async () => {
    await labUp({ name });
    for (const host of labHosts(name)) process.kill(host.pid, "SIGKILL");
    await labDown(name);
    expectNothingLeft(name, before);
  });

  test.each([50, 150, 250, 350, 500, 700])("whose up was killed after %i ms", async (ms) => {
    const up = upInOwnProcess();
    const ended = once(up, "exit");
    await delay(ms);
    up.kill("SIGKILL");
    await ended;
    await labDown(name);
    expectNothingLeft(name, before);
    await delay(300);
    expectNothingLeft(name, before);
  });

  test("and a lab comes up whole after an up that was killed", async () => {
    const up = upInOwnProcess();
    await delay(300);
    up.kill("SIGKILL");
    const status = await labUp({ name });
    expect(status.hosts.every((host) => host.docker !== undefined)).toBe(true);
    await labDown(name);
    expectNothingLeft(name, before);
  });
});
