import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { memoryFile } from "../../src/host/criu/restore/lazy-orders.ts";
import { MemorySender } from "../../src/memory/rounds/memory-sender.ts";
import { RateLimit } from "../../src/transport/streams/rate-limit.ts";
import { differences, processesOf, readStore, standStill } from "./support/memory-copy.ts";
import { useRestless } from "./support/restless.ts";

// What goes between the two halves of godwit-memory.
const { program, memory, start, storeOf } = useRestless();
const ownMemory = { isPrivate: true, isShared: false } as const;

test("memory that comes compressed is right, and no more bytes go than it has: it tells how many were saved", async () => {
  const pid = await start(10);
  await standStill(pid);
  const sentAt = async (level: number) => {
    await using sender = new MemorySender(program, "restless");
    const store = await storeOf(sender, { level });
    const told = { sent: 0, all: 0 };
    const onSent = (bytes: number, saved: number) => {
      told.sent += bytes;
      told.all += bytes + saved;
    };
    const round = { state: "frozen", isVerified: true, ...ownMemory } as const;
    await sender.send(processesOf([pid]), round, { onSent }).arrived;
    if (level > 0) expect(differences(readStore(memoryFile(memory, 1)), pid)).toEqual([]);
    await store.close();
    rmSync(memoryFile(memory, 1));
    return told;
  };
  const plain = await sentAt(0);
  expect(plain.sent).toBe(plain.all);
  const coded = await sentAt(1);
  expect(coded.sent).toBeLessThan(plain.sent * 0.9);
  expect(coded.all).toBe(plain.all);
  // Here it is the processor that limits.
  expect((await sentAt(-1)).sent).toBeLessThanOrEqual(plain.sent);
});

test("a source with another key sends nothing", async () => {
  const pid = await start(11);
  await using sender = new MemorySender(program, "restless");
  const store = await storeOf(sender, { sourceKey: "00".repeat(32) });
  expect((await store.failed).message).toContain("another key");
  const { arrived } = sender.send(processesOf([pid]), { state: "live", ...ownMemory });
  await expect(arrived).rejects.toMatchObject({ code: "ENOTCONN" });
});

test("no more is sent than a limit allows, until it is lifted", async () => {
  const pid = await start(12);
  await standStill(pid);
  await using sender = new MemorySender(program, "restless");
  await storeOf(sender);
  const rate = new RateLimit(2 ** 20);
  let sent = 0;
  const onSent = (bytes: number) => {
    sent += bytes;
  };
  const { arrived } = sender.send(processesOf([pid]), { state: "live", ...ownMemory }, { rate, onSent });
  await sleep(2000);
  // At first it may be a block ahead of what is allowed.
  expect(sent).toBeLessThan(2.6 * 2 ** 20);
  rate.bytesPerSecond = null;
  await arrived;
});
