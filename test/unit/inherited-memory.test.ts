import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { release } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { memoryFile } from "../../src/host/criu/restore/lazy-orders.ts";
import { MemoryStore } from "../../src/memory/rounds/memory-store.ts";
import { differences, pagesIn, standStill } from "./support/memory-copy.ts";
import { compileMemory } from "./support/memory-program.ts";

// A parent and its children, which share memory by copy-on-write, and write to it meanwhile. The real program gets its orders from here.
const page = 4096;
/** Pages that the parent fills at first, and those that it writes before it has another child. */
const [filled, written] = [4096, 64];
const { folder, program, remove } = compileMemory("forked-memory");
const copies = mkdtempSync("/dev/shm/godwit-inherited-");
let family: ChildProcess;
let born: AsyncIterator<string>;
let sender: ChildProcess;
let store: MemoryStore;

/** A process; `task` names its copy, and `up` is its parent. */
interface Member {
  pid: number;
  task: number;
  up: Member | undefined;
}
const members: Member[] = [];

async function nextMember(): Promise<Member> {
  const { value } = await born.next();
  const [, pid, parent] = /^(\d+) of (\d+)$/.exec(value) ?? [];
  const up = members.find((other) => other.pid === Number(parent));
  const member = { pid: Number(pid), task: 10 + members.length, up };
  members.push(member);
  return member;
}

/** @returns what it answers, beside the reports between answers */
async function order(line: string): Promise<void> {
  sender.stdin?.write(`${line}\n`);
  for (let status = 1n; status > 0n; ) {
    const answers = sender.stdout as Readable;
    const answer: Buffer | null = answers.read(16);
    if (!answer) {
      await once(answers, "readable");
      continue;
    }
    status = answer.readBigInt64LE(0);
    if (status < 0n) throw new Error(`${line}: ${status}`);
  }
}

const send = ({ pid, task, up }: Member, state: "live" | "frozen") =>
  order(`send ${pid} ${task} ${state}${up ? ` ${up.pid} ${up.task}` : ""}`);

const [major = 0, minor = 0] = release().split(".").map(Number);
beforeEach(async ({ skip }) => {
  skip(major < 6 || (major === 6 && minor < 7), "PAGEMAP_SCAN came with Linux 6.7");
  family = spawn(join(folder, "forked-memory"), { stdio: ["pipe", "pipe", "inherit"] });
  born = createInterface({ input: family.stdout as Readable })[Symbol.asyncIterator]();
  for (let i = 0; i < 5; i++) await nextMember();
  sender = spawn(program, ["send"], { stdio: ["pipe", "pipe", "inherit", "pipe"] });
  const server = createServer().listen(join(copies, "source"));
  await once(server, "listening");
  const accepted = once(server, "connection");
  await order(`connect-here ${join(copies, "source")}`);
  const [connection] = (await accepted) as [Socket];
  server.close();
  store = new MemoryStore(program, { folder: copies, socket: join(copies, "socket") }, connection);
});
afterEach(async () => {
  // A skipped test has started nothing.
  if (members.length === 0) return;
  family.kill("SIGKILL");
  sender.stdin?.end();
  await Promise.all([family, sender].map((each) => once(each, "close")));
  await store.close();
  for (const { task } of members.splice(0)) rmSync(memoryFile(copies, task), { force: true });
});
afterAll(() => {
  remove();
  rmSync(copies, { recursive: true });
});

/** Pages that lie in the file of a process, as the file system counts: in blocks of 512 bytes, without holes. */
const sizeOf = ({ task }: Member) => (statSync(memoryFile(copies, task)).blocks * 512) / page;

/** What is wrong in the store's copy of a process, as a restore reads it: some pages lie with another one. */
async function wrongIn({ pid, task }: Member): Promise<string[]> {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8").matchAll(/^(\w+)-(\w+) ...p (?!.*\[v)/gm);
  const runs = [...maps].map(([, from = "", to = ""]) => {
    const first = Number.parseInt(from, 16) / page;
    return { task, first, count: Number.parseInt(to, 16) / page - first };
  });
  const { shared } = await store.look(runs);
  const owners = new Map<number, number>();
  for (const { first, count, owner } of shared)
    for (let number = first; number < first + count; number++) owners.set(number, owner);
  const get = (number: number) => pagesIn(memoryFile(copies, owners.get(number) ?? task)).get(number);
  return differences({ get }, pid);
}

test("pages that a process shares with its parent go once, and are right after rounds", async () => {
  for (const { pid } of members) await order(`track ${pid}`);
  for (let round = 0; round < 3; round++) {
    for (const member of members) await send(member, "live");
    await order("go");
    await sleep(30);
  }
  await standStill(...members.map(({ pid }) => pid));
  for (const member of members) await send(member, "frozen");
  await order("go");
  for (const member of members) expect(await wrongIn(member)).toEqual([]);
  const [first = 0, ...others] = members.map(sizeOf);
  expect(first).toBeGreaterThan(filled);
  for (const size of others) expect(size).toBeLessThan(filled / 4);
});

test("a page that the parent writes after it was sent, and before a child inherits it, is sent with the child", async () => {
  const parent = members[0] as Member;
  await order(`track ${parent.pid}`);
  await send(parent, "live");
  family.stdin?.write("\n");
  const child = await nextMember();
  await send(child, "live");
  await order("go");
  await standStill(child.pid);
  expect(await wrongIn(child)).toEqual([]);
  expect(sizeOf(child)).toBeGreaterThanOrEqual(written);
  expect(sizeOf(child)).toBeLessThan(filled / 4);
});
