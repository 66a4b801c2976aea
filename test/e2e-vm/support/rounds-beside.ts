// node rounds-beside.mjs GODWIT_MEMORY FOLDER PROGRAM ARGUMENTS...: sends the memory of a restless program in rounds, stops it, and says
// as JSON what differs. It runs within a machine of the lab. FOLDER is in memory.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { memoryFile } from "../../../src/host/criu/restore/lazy-orders.ts";
import { MemorySender } from "../../../src/memory/rounds/memory-sender.ts";
import { differences, pagesIn, sendRound } from "../../unit/support/memory-copy.ts";
import { pairWith } from "../../unit/support/memory-pair.ts";

const [program = "", folder = "", restless = "", ...args] = process.argv.slice(2);
const ownMemory = { isPrivate: true, isShared: false } as const;

const child: ChildProcess = spawn(restless, args, {
  detached: true,
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  await once(child.stdout as Readable, "data");
  const pid = child.pid ?? 0;
  const sender = new MemorySender(program, "restless");
  const store = await pairWith(sender, program, { folder, socket: join(folder, "socket") });
  const whole = await sender.changed([pid]);
  const tracked = await sender.track(pid).then(
    () => "tracked",
    (error) => (error as NodeJS.ErrnoException).code,
  );
  for (let round = 0; round < 6; round++) {
    await sendRound(sender, [pid], { state: "live", ...ownMemory });
    await sleep(30);
  }
  process.kill(-pid, "SIGSTOP");
  await sleep(100);
  const left = await sender.changed([pid]);
  await sendRound(sender, [pid], { state: "frozen", isVerified: true, ...ownMemory });
  const found = { tracked, whole, left, differences: differences(pagesIn(memoryFile(folder, 1)), pid).slice(0, 20) };
  // What nobody has written since a round does not count.
  await sendRound(sender, [pid], { state: "live", ...ownMemory });
  process.stdout.write(JSON.stringify({ ...found, again: await sender.changed([pid]) }));
  await sender[Symbol.asyncDispose]();
  await store.close();
} finally {
  process.kill(-(child.pid ?? 0), "SIGKILL");
}
