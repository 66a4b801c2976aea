import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killCgroup } from "../container/freezer.ts";
import { endProcess } from "../container/processes.ts";
import { childrenOf, startedWith } from "../process-table.ts";
import type { ArmedContainer } from "./arm.ts";

const lookMs = 500;
/** Of CRIU's log; its last words are looked for in so much of its end. */
const tailBytes = 16 * 1024;
const givesUp = "Killing processes because of failure on restore";

/**
 * Ends a CRIU that has given a restore up and does not end, until `over`. It kills the processes that it has made, and waits for
 * the first of them, which waits for its children; they wait for CRIU, which traces them.
 */
export async function endWhenStuck({ cgroupPath }: ArmedContainer, work: string, over: AbortSignal): Promise<void> {
  let seen = false;
  while (!over.aborted) {
    await sleep(lookMs, undefined, { signal: over }).catch(() => {});
    if (over.aborted) return;
    // It ends by itself in most cases.
    if (!seen) seen = (await endOf(join(work, "restore.log"))).includes(givesUp);
    else {
      await killCgroup(join("/sys/fs/cgroup", cgroupPath));
      for (const { pid } of await startedWith("restore", work)) {
        for (const child of await childrenOf(pid)) endProcess(child);
      }
    }
  }
}

/** Empty where there is none. */
async function endOf(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (!file) return "";
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, Math.max(0, size - tailBytes));
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
}
