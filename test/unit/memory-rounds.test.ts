import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { memoryFile } from "../../src/host/criu/restore/lazy-orders.ts";
import { MemorySender } from "../../src/memory/rounds/memory-sender.ts";
import { isFullRun } from "../e2e/support/full-run.ts";
import { differences, processesOf, readStore, sendRound, standStill } from "./support/memory-copy.ts";
import { useRestless } from "./support/restless.ts";

// The real program and real processes. What must be right is judged by the memory itself, page by page, while its processes stand still.
const page = 4096;
const { folder, program, memory, socket, start, storeOf, children } = useRestless("restless-objects");
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const filesOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));

const ownMemory = { isPrivate: true, isShared: false } as const;
const sharedMemory = { isPrivate: false, isShared: true } as const;
test.each(isFullRun ? [1, 2, 3, 4, 5, 6] : [1])(
  "after rounds beside a restless program, the store has its memory (seed %d)",
  async (seed) => {
    const pid = await start(seed);
    await using sender = new MemorySender(program, "restless");
    await storeOf(sender);
    await sender.track(pid);
    for (let round = 0; round < 6; round++) {
      await sendRound(sender, [pid], { state: "live", ...ownMemory });
      await sleep(30);
    }
    await standStill(pid);
    await sendRound(sender, [pid], { state: "frozen", isVerified: true, ...ownMemory });
    expect(differences(readStore(memoryFile(memory, 1)), pid)).toEqual([]);
    // What did not change is not sent again.
    await sendRound(sender, [pid], { state: "live", ...ownMemory });
    expect(await sender.changed([pid])).toBe(0);
  },
);

test("what has changed in the end can stay where it is: its pages are named, and all others are right", async () => {
  const pid = await start(8);
  await using sender = new MemorySender(program, "restless");
  const store = await storeOf(sender);
  await sender.track(pid);
  for (let round = 0; round < 2; round++) await sendRound(sender, [pid], { state: "live", ...ownMemory });
  await standStill(pid);
  const changed = (await sender.changed([pid])) / page;
  await sendRound(sender, [pid], { state: "named", isVerified: true, ...ownMemory });
  const populated = readStore(memoryFile(memory, 1));
  const all = [...populated.keys()].map((first) => ({ task: 1, first, count: 1 }));
  expect((await store.look(all)).missing).toEqual([]);
  const wrong = differences(populated, pid);
  expect(wrong.length).toBeGreaterThan(0);
  expect(wrong.length).toBeLessThanOrEqual(changed);
});

test.each(isFullRun ? [1, 2, 3, 4, 5, 6] : [1])(
  "after rounds beside two processes that change what they share, the store has it (seed %d)",
  async (seed) => {
    const stdio = ["ignore", "pipe", "inherit"] as const;
    const child = spawn(join(folder, "restless-objects"), [String(seed)], { stdio: [...stdio] });
    children.push(child);
    await once(child.stdout as Readable, "data");
    const pid = child.pid ?? 0;
    const pids = [pid, Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"))];
    await using sender = new MemorySender(program, "restless");
    const store = await storeOf(sender);
    for (let round = 0; round < 5; round++) {
      await sendRound(sender, pids, { state: "live", ...sharedMemory });
      await sleep(20);
    }
    const cgroup = mkdtempSync(join(memory, "cgroup-"));
    const charge = async () => {
      writeFileSync(join(cgroup, "cgroup.procs"), "");
      await store.charge(cgroup);
      return readFileSync(join(cgroup, "cgroup.procs"), "utf8");
    };
    await expect(store.charge(join(cgroup, "gone"))).rejects.toMatchObject({ code: "ENOENT" });
    // A process that writes a zero there is in the cgroup.
    expect(await charge()).toBe("0");
    expect(await charge()).toBe("");
    await standStill(...pids);
    expect(await sender.changed([])).toBeGreaterThan(0);
    const list = join(memory, "objects");
    await sendRound(sender, pids, { state: "frozen", isVerified: true, ...sharedMemory, list });
    expect(await sender.changed([])).toBe(0);
    await charge();
    const compared = execFileSync("python3", [here("support/compare-objects.py"), socket, list, ...pids.map(String)], {
      encoding: "utf8",
    });
    // The anonymous one, two memfds, two segments, and what each of the two has made since.
    expect(compared).toMatch(/^[3-5] objects and [2-4] segments are equal\n$/);
  },
);

test("a page that is not what the original has is found", async () => {
  const pid = await start(9);
  await using sender = new MemorySender(program, "restless");
  const store = await storeOf(sender);
  await sender.track(pid);
  await standStill(pid);
  await sendRound(sender, [pid], { state: "live", ...ownMemory });
  const file = memoryFile(memory, 1);
  const [first = 0] = [...readStore(file).keys()];
  const open = openSync(file, "r+");
  writeSync(open, Buffer.from([readStore(file).get(first)?.[100] === 1 ? 2 : 1]), 0, 1, first * page + 100);
  closeSync(open);
  const { arrived } = sender.send(processesOf([pid]), { state: "frozen", isVerified: true, ...ownMemory });
  await expect(arrived).rejects.toThrow("broke");
  expect((await store.failed).message).toBe(`page ${first.toString(16)} of process 1: Bad message`);
});

/** Flags of all mappings of a process: `uw` where writes are followed. */
const isFollowed = (pid: number) => / uw( |$)/m.test(readFileSync(`/proc/${pid}/smaps`, "utf8"));

test("a sender that is killed leaves the program as it was", async () => {
  const pid = await start(4);
  const sender = new MemorySender(program, "restless");
  await storeOf(sender);
  await sender.track(pid);
  await sendRound(sender, [pid], { state: "live", ...ownMemory });
  expect(isFollowed(pid)).toBe(true);
  process.kill(sender.pid, "SIGKILL");
  await expect(sender.changed([pid])).rejects.toMatchObject({ code: "command-failed" });
  await vi.waitFor(() => expect(isFollowed(pid)).toBe(false), { timeout: 10_000 });
  expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/TracerPid:\t0$/m);
  expect(filesOf(pid)).not.toContain("anon_inode:[userfaultfd]");
});

test("a process that nobody tracks gives all of its memory in each round, as one that was born meanwhile", async () => {
  const pid = await start(5);
  await standStill(pid);
  await using sender = new MemorySender(program, "restless");
  const whole = await sender.changed([pid]);
  await storeOf(sender);
  for (let round = 0; round < 2; round++) {
    await sendRound(sender, [pid], { state: "live", ...ownMemory });
    expect(differences(readStore(memoryFile(memory, 1)), pid)).toEqual([]);
  }
  expect(whole).toBeGreaterThan(page);
});

test("says why a process cannot be tracked", async () => {
  await using sender = new MemorySender(program, "restless");
  const pid = await start(6);
  const [child] = children;
  child?.kill("SIGKILL");
  await once(child as ChildProcess, "close");
  await expect(sender.track(pid)).rejects.toMatchObject({ code: "ENOENT" });
  expect(await sender.changed([pid])).toBe(0);
});

test("a program that may not open another file is not tracked, and runs on", async () => {
  const pid = await start(7, "ulimit -n 4;");
  await using sender = new MemorySender(program, "restless");
  await expect(sender.track(pid)).rejects.toMatchObject({ code: "EMFILE" });
  await sleep(100);
  expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/State:\t[RSD] [\s\S]*TracerPid:\t0$/m);
});

test.each([
  ["a file without the page cache", "os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)"],
  ["an AIO ring", "ctypes.CDLL(None).syscall(SYS_io_setup, 8, ctypes.byref(ctypes.c_ulong()))"],
])("a process that comes to use %s is not tracked any more, and gives all of its memory", async (_, comes) => {
  // Device writes of a moment cannot be made at will: what matters is that nothing of such a process is left out.
  const script = `import ctypes, os, signal, sys
SYS_io_setup = 206 if os.uname().machine == "x86_64" else 0
def come(*_):
    ${comes}
    print("has it", flush=True)
signal.signal(signal.SIGUSR1, come)
held = bytearray(os.urandom(1 << 20))
print("ready", flush=True)
while True: signal.pause()`;
  const child = spawn("python3", ["-c", script, program], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const said = child.stdout as Readable;
  await once(said, "data");
  const pid = child.pid ?? 0;
  await using sender = new MemorySender(program, "restless");
  await sender.track(pid);
  expect(await sender.isPinned(pid)).toBe(false);
  await storeOf(sender);
  await sendRound(sender, [pid], { state: "live", ...ownMemory });
  expect(await sender.changed([pid])).toBeLessThan(1 << 20);
  child.kill("SIGUSR1");
  await once(said, "data");
  expect(await sender.isPinned(pid)).toBe(true);
  expect(await sender.changed([pid])).toBeGreaterThan(1 << 20);
  await expect(sender.track(pid)).rejects.toMatchObject({ code: "EBUSY" });
});
