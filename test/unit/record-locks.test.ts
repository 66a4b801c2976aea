import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { imageOf } from "../../src/host/criu/images/images.ts";
import { lockOrders, noteLostLocks } from "../../src/host/criu/images/record-locks.ts";

// Real locks of real processes; only CRIU's images are made by hand.
const here = fileURLToPath(new URL(".", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "godwit-locks-"));
const locker = join(folder, "locker");
const program = join(folder, "godwit-state");
const children: ChildProcess[] = [];

beforeAll(() => {
  execFileSync("cc", ["-o", locker, join(here, "support/locker.c")]);
  execFileSync("cc", ["-std=gnu11", "-O1", "-o", program, ...globSync(join(here, "../../runtime/{state,ptrace}/*.c"))]);
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(end));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(file: string, how: "map" | "plain" | "lose") {
  const child = spawn(locker, [file, how], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  await once(child.stdout, "data");
  return { child, pid: child.pid ?? 0 };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "close");
}

/** Of a file, as the kernel lists them: type, holder, first and last byte. */
function locksOn(file: string): string[] {
  const { ino } = statSync(file);
  const lines = readFileSync("/proc/locks", "utf8").split("\n");
  return lines.flatMap((line) => line.match(`POSIX  ADVISORY  (.*:${ino} .*)`)?.[1] ?? []).sort();
}

const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];

async function stop({ child, pid }: { child: ChildProcess; pid: number }): Promise<void> {
  child.kill("SIGSTOP");
  await expect.poll(() => stateOf(pid)).toBe("T");
}

function retake(pid: number, orders: string[]) {
  const file = join(folder, "orders");
  writeFileSync(file, orders.map((order) => `${order}\n`).join(""));
  return spawnSync(program, ["locks", String(pid), file], { encoding: "utf8" });
}

test("lost locks are taken again, and the process goes on", async () => {
  const file = join(folder, "lost");
  const locked = await start(file, "plain");
  const expected = locksOn(file).map((line) => line.replace(String(locked.pid), "PID"));
  expect(expected).toHaveLength(2);
  await end(locked.child);
  const lost = await start(file, "lose");
  expect(locksOn(file)).toEqual([]);
  await stop(lost);
  const { pid } = lost;
  const { status, stderr } = retake(pid, [`lock ${pid} 3 1 0 100`, `lock ${pid} 3 0 200 0`, `go ${pid}`]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(locksOn(file).map((line) => line.replace(String(pid), "PID"))).toEqual(expected);
  lost.child.stdin?.write("still here\n");
  expect(String((await once(lost.child.stdout, "data"))[0])).toBe("still here\n");
});

test("a file that another process has locked keeps all processes stopped", async () => {
  const file = join(folder, "taken");
  const lost = await start(file, "lose");
  await stop(lost);
  await start(file, "plain");
  const { status, stderr } = retake(lost.pid, [`lock ${lost.pid} 3 1 0 100`, `go ${lost.pid}`]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/record lock on file descriptor 3 again: somebody else has locked the file/);
  expect(stateOf(lost.pid)).toBe("T");
});

test.each([
  ["a process that is not there", (pid: number) => `lock ${pid + 1_000_000} 3 1 0 0`, /No such process/],
  ["a descriptor that is not there", (pid: number) => `lock ${pid} 77 1 0 0`, /Bad file descriptor/],
])("%s is named, and all processes stay stopped", async (_, order, says) => {
  const lost = await start(join(folder, "other"), "lose");
  await stop(lost);
  const { status, stderr } = retake(lost.pid, [order(lost.pid), `go ${lost.pid}`]);
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringMatching(says) });
  expect(stateOf(lost.pid)).toBe("T");
});

test("only locks on files that their process has mapped are noted as lost", async () => {
  const images = join(folder, "images");
  await mkdir(images);
  const mapping = await start(join(folder, "mapped"), "map");
  const plain = await start(join(folder, "plain"), "plain");
  const lock = (kind: number, pid: number, start: number, length: number) =>
    [kind, 1, pid, 3, start, length]
      .reduce((writer, number, index) => writer.uint32((index + 1) << 3).int64(number), new BinaryWriter())
      .finish();
  const locks = [lock(1, 10, 0, 100), lock(2, 10, 0, 0), lock(1, 11, 0, 100)];
  writeFileSync(join(images, "filelocks.img"), imageOf([1, 2], locks));
  const core = (pid: number, state: number) => {
    const task = new BinaryWriter().uint32(8).uint32(state).finish();
    const message = new BinaryWriter()
      .uint32(8)
      .uint32(1)
      .uint32((3 << 3) | 2)
      .bytes(task);
    writeFileSync(join(images, `core-${pid}.img`), imageOf([1, 2], [message.finish()]));
  };
  core(10, 1);
  core(11, 3);
  const process = (pid: number, hostPid: number) => ({
    pid,
    hostPid,
    parent: 1,
    command: "locker",
    memoryBytes: 0,
    copiedBytes: 0,
  });
  await noteLostLocks(images, [process(11, plain.pid)]);
  expect(await lockOrders(images)).toBeUndefined();
  await noteLostLocks(images, [process(10, mapping.pid), process(11, plain.pid)]);
  expect(await lockOrders(images)).toBe("lock 10 3 1 0 100\ngo 10\n");
});
