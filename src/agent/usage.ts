import { openSync, readSync } from "node:fs";
import type { AgentUsage } from "../contract/routes.ts";

const lookEveryMs = 5;

export interface BlockWatch {
  /** Looks while `busy`. An agent without work sets no timer, because each look wakes the processor. */
  while(busy: boolean): void;
  /** See AgentUsage. */
  longestMs(): number;
}

/** @returns what this process has taken so far */
export function readUsage(blocks: Pick<BlockWatch, "longestMs">): AgentUsage {
  const { user, system } = process.cpuUsage();
  return {
    upMs: Math.round(process.uptime() * 1000),
    memoryBytes: process.memoryUsage.rss(),
    cpuMs: Math.round((user + system) / 1000),
    longestBlockMs: Math.round(blocks.longestMs() * 10) / 10,
  };
}

/**
 * Finds the longest time, in ms, for which the event loop was busy with one thing. Time in which the process waited for a
 * processor is left out, where the kernel counts it: other programs took that. Node's own histogram cannot leave it out.
 */
export function watchBlocks(): BlockWatch {
  const queued = watchQueue();
  let longest = 0;
  let [at, waited] = [0, 0];
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    [at, waited] = [performance.now(), queued()];
  };
  const look = () => {
    longest = Math.max(longest, performance.now() - at - lookEveryMs - (queued() - waited));
    begin();
  };
  return {
    while(busy) {
      if (busy === (timer !== undefined)) return;
      clearInterval(timer);
      timer = busy ? setInterval(look, lookEveryMs).unref() : undefined;
      begin();
    },
    longestMs() {
      const found = longest;
      longest = 0;
      return found;
    },
  };
}

/** How long this thread has waited for a processor since its start, in ms; 0 on a kernel that does not count it. */
function watchQueue(): () => number {
  const text = Buffer.alloc(100);
  try {
    const file = openSync("/proc/thread-self/schedstat", "r");
    return () => Number(text.toString("latin1", 0, readSync(file, text, 0, text.length, 0)).split(" ")[1]) / 1e6;
  } catch {
    return () => 0;
  }
}
