import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { descendantsOf, isStarted, startedWith } from "../proc/process-table.ts";
import { endProcess } from "../proc/processes.ts";
import { ProgressWatch } from "../proc/progress-watch.ts";

const lookMs = 500;
/** Far longer than any step of a restore in which no byte is read and no page is touched. */
const patienceMs = 30_000;
/** In bytes, of CRIU's log. The log is in memory, and a CRIU that reads for ever adds about 100 MB a minute to it. */
const logLimit = 256 * 2 ** 20;
/** How much of the end of CRIU's log is searched. */
const tailBytes = 16 * 1024;
const givesUp = "Killing processes because of failure on restore";

/** A restore that runs. */
export interface RestoreUnderWay {
  /** Folder of CRIU's log. It is an argument of runc. */
  work: string;
  /** Folder of its pending restore. */
  pending: string;
}

/** Why the watch ended a restore. */
export type Stuck = "gave up" | "no progress";

/** The watch over a restore. It lasts until this object is disposed of. */
export interface RestoreWatch extends Disposable {
  /** Why the watch ended the restore; undefined where it did not. */
  why(): Stuck | undefined;
}

/**
 * Ends a restore that cannot end by itself. There are two such cases:
 * - CRIU has given up. It kills the processes that it made and waits for the first of them, which waits for the others. Those wait
 *   for CRIU, which traces them.
 * - CRIU makes no progress. It reads for ever where an image is shorter than it should be.
 */
export function watchRestore({ work, pending }: RestoreUnderWay): RestoreWatch {
  const over = new AbortController();
  let why: Stuck | undefined;
  const progress = new ProgressWatch(patienceMs);
  let gaveUp = false;
  const look = async () => {
    // A CRIU that gives up mostly ends by itself. It has the time between two looks for that.
    if (gaveUp || why) {
      why ??= "gave up";
      return endRestore(work);
    }
    const { text, size } = await endOfLog(work);
    gaveUp = text.includes(givesUp);
    const [now, waits] = [performance.now(), await isStarted("--prestart", pending)];
    // CRIU makes no progress while it waits for Docker to connect the network. That time does not count.
    const stands = progress.stands(waits ? String(now) : await workDone(work), now);
    if (stands || size > logLimit) why = "no progress";
  };
  const watch = async () => {
    while (!over.signal.aborted) {
      await sleep(lookMs, undefined, { signal: over.signal }).catch(() => {});
      // A failed look shows nothing. The next one follows.
      if (!over.signal.aborted) await look().catch(() => {});
    }
  };
  watch();
  return { why: () => why, [Symbol.dispose]: () => over.abort() };
}

/** The last `count` different lines of CRIU's log, without their times. */
export async function lastWords(work: string, count: number): Promise<string[]> {
  const { text, size } = await endOfLog(work);
  const whole = text.split("\n").slice(size > tailBytes ? 1 : 0);
  const lines = whole.map((line) => line.replace(/^\(\d+\.\d+\)\s*/, "").trim());
  return [...new Set(lines.filter(Boolean))].slice(-count);
}

/**
 * A text that changes with each progress of the restore: the bytes read and the pages touched by each of its processes. Empty reads,
 * and the lines that CRIU logs about them, do not change it.
 */
async function workDone(work: string): Promise<string> {
  const pids = (await restoringProcesses(work)).sort((one, other) => one - other);
  const done = pids.map(async (pid) => {
    const io = await readFile(`/proc/${pid}/io`, "utf8").catch(() => "");
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [minorFaults, majorFaults] = [fields[7], fields[9]];
    return [pid, /^rchar: (\d+)/m.exec(io)?.[1], minorFaults, majorFaults].join(" ");
  });
  return (await Promise.all(done)).join("\n");
}

/** The processes of a restore: runc, CRIU, and the processes that CRIU makes. */
async function restoringProcesses(work: string): Promise<number[]> {
  const started = (await startedWith("restore", work)).map(({ pid }) => pid);
  return [...started, ...(await Promise.all(started.map(descendantsOf))).flat()];
}

/** Kills CRIU and its processes. runc goes on, because it reports the failure. Harmless where no restore runs. */
export async function endRestore(work: string): Promise<void> {
  for (const { pid } of await startedWith("restore", work)) {
    for (const child of (await descendantsOf(pid)).toReversed()) endProcess(child);
  }
}

/** The end of CRIU's log as text, and the log's size in bytes. Empty where there is no log. */
async function endOfLog(work: string): Promise<{ text: string; size: number }> {
  const file = await open(join(work, "restore.log")).catch(() => undefined);
  if (!file) return { text: "", size: 0 };
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, Math.max(0, size - tailBytes));
    return { text: buffer.toString("latin1", 0, bytesRead), size };
  } finally {
    await file.close();
  }
}
