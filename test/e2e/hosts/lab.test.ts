import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { godwitCommand } from "../support/godwit.ts";
import { type TestLab, testLab } from "../support/lab.ts";
import { eventually } from "../support/wait.ts";
import { down, imageOn, inits, statusOf, traces, up } from "./lab-commands.ts";

const one = testLab(`test-${process.pid}`);
const other = testLab(`test-${process.pid}-mixed`);

/** `godwit lab exec`, with this input. */
const exec = (lab: TestLab, host: string, script: string, options: { input?: string; flags?: string[] } = {}) =>
  execa(godwitCommand, ["--lab", lab.name, "lab", "exec", host, ...(options.flags ?? []), "--", "sh", "-c", script], {
    reject: false,
    stripFinalNewline: false,
    input: options.input ?? "",
  });

const before = traces();
afterAll(async () => {
  await down(one);
  await down(other);
});

describe("a lab that is up", () => {
  beforeAll(async () => {
    await up(one);
    await up(other, "--release", "trixie,forky");
  });

  test("has hosts with Docker on a LAN, and leaves the machine's own network and mounts as before", async () => {
    expect((await statusOf(one)).hosts).toMatchObject([
      { name: "h1", address: "10.88.0.1", release: "trixie", docker: expect.stringMatching(/^26\./) },
      { name: "h2", address: "10.88.0.2", release: "trixie", docker: expect.stringMatching(/^26\./) },
    ]);
    expect((await one.attempt("h1", "timeout 2 busybox ping -c1 h2")).status).toBe(0);
    expect(traces()).toEqual(before);
  });

  test("has agents that sleep while they have nothing to do", async () => {
    const wakeUps = async () =>
      Number(
        await one.on(
          "h1",
          "cat /proc/$(cat /run/godwit/agent.pid)/task/*/status | awk '/^voluntary/ { n += $2 } END { print n }'",
        ),
      );
    // The agent is busy after the start of the hosts.
    await delay(2000);
    const first = await wakeUps();
    await delay(5000);
    // A timer of 5 ms wakes it a thousand times.
    expect((await wakeUps()) - first).toBeLessThan(300);
  });

  test("stays as it is after a second 'lab up', which is refused with another number of hosts", async () => {
    const first = await inits(one);
    const docker = await one.on("h1", "cat /run/lab/dockerd.pid");
    const started = performance.now();
    await up(one);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(await inits(one)).toEqual(first);
    expect(await one.on("h1", "cat /run/lab/dockerd.pid")).toBe(docker);
    expect(await one.refusal("lab", "up", "--hosts", "3")).toMatchObject({ code: "lab-exists" });
  });

  test("runs beside another one with the same addresses and other releases", async () => {
    expect((await statusOf(other)).hosts.map((host) => [host.address, host.docker?.split(".")[0]])).toEqual([
      ["10.88.0.1", "26"],
      ["10.88.0.2", "28"],
    ]);
  });

  test("passes on stdin, stdout, stderr and the status of a command", async () => {
    const result = await exec(one, "h2", "cat; echo warned >&2; hostname; exit 7", { input: "given\n" });
    expect(result).toMatchObject({ exitCode: 7, stdout: "given\nh2\n", stderr: "warned\n" });
    expect((await exec(one, "h2", "kill -9 $$")).exitCode).toBe(137);
  });

  test("passes a signal on to the command", async () => {
    const command = exec(one, "h1", "trap 'exit 9' TERM; sleep 600 >/dev/null 2>&1 & echo ready; wait");
    await once(command.stdout, "data");
    command.kill("SIGTERM");
    expect((await command).exitCode).toBe(9);
  });

  test("gives a command a terminal of its own", async () => {
    expect((await exec(one, "h1", "test -t 0", { flags: ["-t"] })).exitCode).toBe(0);
    expect((await exec(one, "h1", "test -t 0")).exitCode).toBe(1);
  });

  test("refuses a host, lab, image or kind that does not exist", async () => {
    const none = testLab("none");
    expect(await one.refusal("lab", "exec", "h9", "--", "true")).toMatchObject({ code: "no-such-host" });
    expect(await none.refusal("lab", "exec", "h1", "--", "true")).toMatchObject({ code: "no-such-lab" });
    expect(await one.refusal("lab", "image", "h1", "nginx")).toMatchObject({ code: "usage" });
    expect(await none.refusal("lab", "up", "--kind", "cloud")).toMatchObject({ code: "usage" });
  });

  test.each(["busybox", "gcc"])("makes the image %s, with one id on all hosts", async (image) => {
    const places = [
      [one, "h1"],
      [one, "h2"],
      [other, "h1"],
      [other, "h2"],
    ] as const;
    const ids = new Set<string>();
    for (const [lab, host] of places) ids.add(await imageOn(lab, host, image));
    expect(ids.size).toBe(1);
  });

  test.each([
    ["Docker 26", "h1"],
    ["Docker 28", "h2"],
  ])("runs, freezes and checkpoints containers: %s", async (_, host) => {
    await imageOn(other, host, "gcc");
    const script = `set -e
      docker run --pull never -d --name work gcc sh -c 'while :; do date +%s; sleep 0.1; done'
      docker exec -i work sh -c 'printf "int main(){return 42;}" > /tmp/a.c && gcc -o /tmp/a /tmp/a.c && { /tmp/a || echo is $?; }'
      id=$(docker inspect --format '{{.Id}}' work)
      runc() { command runc --root /run/docker/runtime-runc/moby "$@"; }
      runc pause $id; runc resume $id
      mkdir -p /tmp/checkpoint/work
      runc checkpoint --empty-ns network --image-path /tmp/checkpoint --work-path /tmp/checkpoint/work $id
      docker wait work; docker rm -f work`;
    const result = await other.attempt(host, script);
    expect(result).toMatchObject({ status: 0, stdout: expect.stringContaining("is 42\n") });
  });

  test("starts dockerd again when it dies, unless it is held down", async () => {
    const pid = () => one.on("h2", "cat /run/lab/dockerd.pid");
    const docker = async () => (await statusOf(one)).hosts[1]?.docker;
    const first = await pid();
    await one.on("h2", `touch /run/lab/dockerd.down; kill -9 ${first}`);
    await delay(1500);
    expect(await docker()).toBeUndefined();
    await one.on("h2", "rm /run/lab/dockerd.down");
    await eventually("Docker of h2 answers", docker, 20_000);
    expect(await pid()).not.toBe(first);
  });

  test("brings a host with its disk back after it died as in a power cut", async () => {
    const h1 = (await inits(one)).get("h1");
    if (!h1) throw new Error("h1 is not up.");
    await imageOn(one, "h1", "busybox");
    process.kill(h1, "SIGKILL");
    await eventually("h2 alone is up", async () => [...(await inits(one)).keys()].join() === "h2" || undefined, 5000);
    await up(one);
    expect(await one.on("h1", "docker run --pull never --rm busybox echo back")).toBe("back");
    expect((await one.attempt("h2", "timeout 2 busybox ping -c1 h1")).status).toBe(0);
  });
});
