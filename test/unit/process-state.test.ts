import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

// Two real processes, each in namespaces of its own: what the first one has set is put back in the second one, as after a restore.
const here = fileURLToPath(new URL(".", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "godwit-state-"));
const stateful = join(folder, "stateful");
const program = join(folder, "godwit-state");
const children: ChildProcessByStdio<Writable, Readable, null>[] = [];

beforeAll(() => {
  execFileSync("cc", ["-O1", "-pthread", "-o", stateful, join(here, "../e2e/support/sources/stateful.c")]);
  execFileSync("cc", ["-std=gnu11", "-O1", "-o", program, ...globSync(join(here, "../../runtime/{state,ptrace}/*.c"))]);
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await once(child, "close");
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts `stateful`. The answer to each question ends with a dot. */
async function start(how: "set" | "") {
  const command = `ip link set lo up; exec ${stateful} ${how}`;
  const child = spawn("unshare", ["-fpn", "--mount-proc", "--kill-child", "sh", "-c", command], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("ready");
  const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8"));
  const ask = async (word: "tell" | "read"): Promise<string[]> => {
    child.stdin.write(`${word}\n`);
    const answer: string[] = [];
    const next = async () => (await lines.next()).value ?? ".";
    for (let line = await next(); line !== "."; line = await next()) answer.push(line);
    // Groups are listed in the order in which they were joined.
    return word === "tell" ? answer.sort() : answer;
  };
  return { pid, ask };
}

const save = (pid: number) => {
  const { status, stderr } = spawnSync(program, ["save", join(folder, "state")], {
    input: `1 ${pid}\n`,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return status;
};

/** As CRIU calls it. @returns what could not be put back */
function putBack(pid: number): string {
  const env = { CRTOOLS_SCRIPT_ACTION: "post-restore", CRTOOLS_INIT_PID: String(pid), GODWIT_PENDING: folder };
  const { status } = spawnSync(program, [], { env });
  expect([status, readFileSync(join(folder, "failed"), "utf8")]).toEqual([0, ""]);
  return readFileSync(join(folder, "unrestored"), "utf8");
}

const look = (pid: number) => spawnSync(program, ["look"], { input: `1 ${pid}\n`, encoding: "utf8" }).stdout;

test("what is saved of one process is put back in another, and the first one keeps it", async () => {
  const [before, after] = [await start("set"), await start("")];
  const told = await before.ask("tell");
  expect(await after.ask("tell")).not.toEqual(told);
  expect(save(before.pid)).toBe(0);
  expect(await before.ask("tell")).toEqual(told);
  expect(putBack(after.pid)).toBe("");
  expect(await after.ask("tell")).toEqual(told);
  const datagrams = await before.ask("read");
  expect(datagrams).toEqual(expect.arrayContaining(["'one' from 127.0.0.9", "'' from 127.0.0.9", "'six' from ::1"]));
  expect(await after.ask("read")).toEqual(datagrams);
});

test("an option that CRIU has changed is as in a new socket again", async () => {
  const [before, after] = [await start(""), await start("set")];
  const options = (lines: string[]) => lines.filter((line) => /^(udp6?|tcp|accepted|unix) /.test(line));
  expect(save(before.pid)).toBe(0);
  expect(putBack(after.pid)).toBe("");
  expect(options(await after.ask("tell"))).toEqual(options(await before.ask("tell")));
});

test("what cannot be put back is named, and all else is put back", async () => {
  const [before, after] = [await start("set"), await start("")];
  save(before.pid);
  const state = readFileSync(join(folder, "state"), "utf8");
  const changed = state
    .replace(/^member 0 lo/m, "member 0 eth7")
    .replace("72656e6f", "78797a7a")
    .replace(/^slack 1 /m, "slack 77 ");
  writeFileSync(join(folder, "state"), `${changed}socket 1 999 2 1 6\nnobody knows this\n`);
  const lines = putBack(after.pid).split("\n").filter(Boolean);
  expect(lines).toEqual([
    expect.stringMatching(/^thread 77 is not there any more/),
    expect.stringMatching(/multicast group 239\.77\.7\.\d on eth7 any more: there is no such interface$/),
    expect.stringMatching(/^TCP_CONGESTION of socket \d+ of process 1 could not be set: No such file or directory$/),
    "socket 999 of process 1 is not there any more",
    expect.stringMatching(/nobody knows this/),
  ]);
  expect(await after.ask("tell")).toContain("udp IP_MULTICAST_TTL 9");
});

test("a look counts what can have something in flight: the two listening sockets", async () => {
  const { pid } = await start("set");
  expect(look(pid)).toBe("watched 2\n");
});
