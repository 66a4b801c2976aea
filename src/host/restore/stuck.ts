import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { descendantsOf, isStarted, startedWith } from "../proc/process-table.ts";
import { endProcess } from "../proc/processes.ts";

const lookMs = 500;
/** Far longer than any step of a restore takes without a byte read or a page touched. */
const patienceMs = 30_000;
/** Of CRIU's log. It is in memory, and a CRIU that reads for ever fills it with some 100 MB a minute. */
const logLimit = 256 * 2 ** 20;
/** CRIU's log is searched in so much of its end. */
const tailBytes = 16 * 1024;
const givesUp = "Killing processes because of failure on restore";

/** A restore under way. */
export interface RestoreUnderWay {
  /** Folder of CRIU's log; runc was given it. */
  work: string;
  /** Of its pending restore. */
  pending: string;
}

/** Why a restore was ended from outside. */
export type Stuck = "gave up" | "no progress";

/** A restore that is watched until this is disposed of. */
export interface RestoreWatch extends Disposable {
  /** Why it was ended from outside; undefined where it was not. */
  why(): Stuck | undefined;
}

/**
 * Ends a restore that cannot end by itself: one that CRIU has given up (it kills the processes that it made, and then waits for the
 * first of them, which waits for the others; they wait for CRIU, which traces them), and one that makes no progress. CRIU
 * reads for ever where an image is shorter than it should be.
 */
export function watchRestore({ work, pending }: RestoreUnderWay): RestoreWatch {
  const over = new AbortController();
  let why: Stuck | undefined;
  const progress = new ProgressWatch(patienceMs);
  let gaveUp = false;
  const look = async () => {
    // CRIU ends by itself in most cases: it is given the time between two looks.
    if (gaveUp || why) {
      why ??= "gave up";
      return endRestore(work);
    }
    const { text, size } = await endOfLog(work);
    gaveUp = text.includes(givesUp);
    const [now, waits] = [performance.now(), await isStarted("--prestart", pending)];
    // While CRIU waits for Docker to connect the network, that is Docker's time.
    const stands = progress.stands(waits ? String(now) : await workDone(work), now);
    if (stands || size > logLimit) why = "no progress";
  };
  const watch = async () => {
    while (!over.signal.aborted) {
      await sleep(lookMs, undefined, { signal: over.signal }).catch(() => {});
      // A look that fails says nothing; the next one may.
      if (!over.signal.aborted) await look().catch(() => {});
    }
  };
  watch();
  return { why: () => why, [Symbol.dispose]: () => over.abort() };
}

/** Says whether something stands still: it has been the same for so many ms. */
export class ProgressWatch {
  readonly #patienceMs: number;
  #last: string | undefined;
  #since = 0;

  constructor(patience: number) {
    this.#patienceMs = patience;
  }

  /** @param now in ms, of any steady clock */
  stands(done: string, now: number): boolean {
    if (done === this.#last) return now - this.#since >= this.#patienceMs;
    this.#last = done;
    this.#since = now;
    return false;
  }
}

/** Last lines of CRIU's log, each once and without its time. */
export async function lastWords(work: string, count: number): Promise<string[]> {
  const { text, size } = await endOfLog(work);
  const whole = text.split("\n").slice(size > tailBytes ? 1 : 0);
  const lines = whole.map((line) => line.replace(/^\(\d+\.\d+\)\s*/, "").trim());
  return [...new Set(lines.filter(Boolean))].slice(-count);
}

/**
 * What the restore has done so far: the bytes read and the pages touched by each process that takes part. A read of nothing, again
 * and again, leaves it as it is, and so does what CRIU says of that in its log.
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

/** runc's process of this restore, CRIU's, and those that it makes. */
async function restoringProcesses(work: string): Promise<number[]> {
  const started = (await startedWith("restore", work)).map(({ pid }) => pid);
  return [...started, ...(await Promise.all(started.map(descendantsOf))).flat()];
}

/** runc is left: it says what came of it. */
async function endRestore(work: string): Promise<void> {
  for (const { pid } of await startedWith("restore", work)) {
    for (const child of (await descendantsOf(pid)).toReversed()) endProcess(child);
  }
}

/** Empty where there is none. */
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
