import { beforeAll, describe, expect, test } from "vitest";
import { makePrograms } from "../support/programs.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);

/** What a container of `stateful.c` says of itself: each answer ends with a line that has a dot. */
async function asked(host: string, name: string, word: "tell" | "read"): Promise<string[]> {
  const answers = async () => (await lab.on(host, `docker logs ${name} 2>&1`)).split(/^\.$/m);
  const before = await answers();
  await lab.on(host, `docker exec ${name} sh -c 'echo ${word} >/ask'`);
  return eventually(`${name} answers`, async () => {
    const now = await answers();
    return now.length > before.length ? (now.at(-2) ?? "").split("\n").filter(Boolean) : undefined;
  });
}

/** The kernel lists groups in the order in which they were joined, the last one first. */
const told = async (host: string, name: string) =>
  (await asked(host, name, "tell")).filter((line) => line !== "ready").sort();

async function start(name: string): Promise<string[]> {
  const command = "mkfifo /ask && exec stateful set <>/ask";
  await lab.on("h1", `docker run --pull never -d --name ${name} programs sh -c '${command}'`);
  const ready = async () => (await lab.on("h1", `docker logs ${name} 2>&1`)) === "ready" || undefined;
  await eventually("all its state is set", ready);
  return told("h1", name);
}

const datagrams = ["'one' from 127.0.0.9", "'' from 127.0.0.9", "'three' from 127.0.0.9"];

beforeAll(() => makePrograms(lab, "h1", ["stateful"]));

describe("what CRIU leaves out", () => {
  test("options of sockets, multicast groups, CPUs, priorities and unread datagrams arrive, there and back", async () => {
    const before = await start("kept");
    expect(before).toEqual(
      expect.arrayContaining([
        "udp IP_MULTICAST_TTL 9",
        "tcp TCP_USER_TIMEOUT 4321",
        "accepted TCP_CONGESTION reno",
        "thread 0: 2 CPUs, ioprio 0",
        "thread 1: 1 CPUs, ioprio 16390",
        "slack 1000000",
        "coredump filter 0000003f",
        expect.stringMatching(/^group .*07074DEF/),
        expect.stringMatching(/^group .*08074DEF/),
      ]),
    );
    for (const [from, to] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      const moved = await lab.godwit("migrate", `${from}/kept`, to);
      expect(moved.status, moved.stderr).toBe(0);
      expect(moved.stdout.match(/Not as it was before.*/g)).toBeNull();
      expect(await told(to, "kept")).toEqual(before);
    }
    expect((await asked("h1", "kept", "read")).slice(0, 3)).toEqual(datagrams);
  });

  test("is in a checkpoint, and comes back with a rollback", async () => {
    const before = await start("saved");
    expect((await lab.godwit("checkpoint", "create", "h1/saved", "all")).status).toBe(0);
    expect((await asked("h1", "saved", "read")).slice(0, 3)).toEqual(datagrams);
    expect(await asked("h1", "saved", "read")).toEqual([]);
    const back = await lab.godwit("rollback", "h1/saved", "all");
    expect(back.status, back.stderr).toBe(0);
    expect(await told("h1", "saved")).toEqual(before);
    expect((await asked("h1", "saved", "read")).slice(0, 3)).toEqual(datagrams);
  });

  test("a move says what the other host could not put back", async () => {
    await start("reno");
    const program = "/usr/local/lib/godwit/godwit-state";
    // A stand-in for a host whose kernel lacks the module: it asks for one with another name.
    const other = `printf '#!/bin/sh\\nsed -i s/72656e6f/78797a7a/ "$GODWIT_PENDING/state"; exec /godwit-state "$@"\\n'`;
    const swap = () => lab.on("h2", `mv ${program} /godwit-state && ${other} >${program} && chmod 755 ${program}`);
    const { status, stdout, stderr } = await lab.during("sync", swap, "migrate", "h1/reno", "h2");
    await lab.on("h2", `mv /godwit-state ${program}`);
    expect(status, stderr).toBe(0);
    expect(stdout + stderr).toMatch(
      /Not as it was before: TCP_CONGESTION of socket \d+ of process 1 could not be set: No such file or directory/,
    );
  });
});
