import { openSync, readSync } from "node:fs";
import type { AgentUsage } from "../contract/routes.ts";

const lookEveryMs = 5;

/** Watches what this process takes, from now on. */
export function watchUsage(): () => AgentUsage {
  const longestBlockMs = watchBlocks();
  return () => {
    const { user, system } = process.cpuUsage();
    return {
      upMs: Math.round(process.uptime() * 1000),
      memoryBytes: process.memoryUsage.rss(),
      cpuMs: Math.round((user + system) / 1000),
      longestBlockMs: Math.round(longestBlockMs() * 10) / 10,
    };
  };
}

/**
 * The longest time, in ms, for which the event loop was busy with one thing since this was asked last. Time in which the process
 * waited for a processor is left out, where the kernel tells it: that is what other programs took.
 */
export function watchBlocks(): () => number {
  const queued = watchQueue();
  let longest = 0;
  let [at, waited] = [performance.now(), queued()];
  setInterval(() => {
    const [now, waitedNow] = [performance.now(), queued()];
    longest = Math.max(longest, now - at - lookEveryMs - (waitedNow - waited));
    [at, waited] = [now, waitedNow];
  }, lookEveryMs).unref();
  return () => {
    const found = longest;
    longest = 0;
    return found;
  };
}

/** How long this thread has waited for a processor in its life, in ms; 0 on a kernel that does not count it. */
function watchQueue(): () => number {
  const text = Buffer.alloc(100);
  try {
    const file = openSync("/proc/thread-self/schedstat", "r");
    return () => Number(text.toString("latin1", 0, readSync(file, text, 0, text.length, 0)).split(" ")[1]) / 1e6;
  } catch {
    return () => 0;
  }
}
