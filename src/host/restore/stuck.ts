import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killCgroup } from "../container/freezer.ts";
import { endProcess, pidsBelow } from "../container/processes.ts";
import { childrenOf, isStarted, startedWith } from "../process-table.ts";
import type { ArmedContainer } from "./arm.ts";

const lookMs = 500;
/** Far longer than any step of a restore takes without reading, writing, or touching a page of memory. */
const patienceMs = 30_000;
/** CRIU's log is searched in so much of its end. */
const tailBytes = 16 * 1024;
const givesUp = "Killing processes because of failure on restore";

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
export function watchRestore(armed: ArmedContainer, work: string): RestoreWatch {
  const over = new AbortController();
  let why: Stuck | undefined;
  const watch = async () => {
    const cgroup = join("/sys/fs/cgroup", armed.cgroupPath);
    const progress = new ProgressWatch(patienceMs);
    let gaveUp = false;
    while (!over.signal.aborted) {
      await sleep(lookMs, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) return;
      // CRIU ends by itself in most cases: it is given the time between two looks.
      if (gaveUp || why) {
        why ??= "gave up";
        await endRestore(cgroup, work);
      } else {
        gaveUp = (await endOf(join(work, "restore.log"))).includes(givesUp);
        const [now, waits] = [performance.now(), await isStarted("--prestart", armed.pending.folder)];
        // While CRIU waits for Docker to connect the network, that is Docker's time.
        if (progress.stands(waits ? String(now) : await workDone(cgroup, work), now)) why = "no progress";
      }
    }
  };
  // A look that fails tells nothing, and the restore goes on as it does.
  watch().catch(() => {});
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

/**
 * What the restore has done so far: bytes read and written and pages touched by each process that takes part, and the length of
 * CRIU's log. A read of nothing, again and again, leaves it as it is.
 */
async function workDone(cgroup: string, work: string): Promise<string> {
  const restoring = await restoringProcesses(work);
  const pids = [...new Set([...restoring, ...(await pidsBelow(cgroup))])].sort((a, b) => a - b);
  const done = pids.map(async (pid) => {
    const io = await readFile(`/proc/${pid}/io`, "utf8").catch(() => "");
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const faults = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const moved = ["rchar", "wchar"].map((name) => io.match(new RegExp(`^${name}: (\\d+)`, "m"))?.[1]);
    return [pid, ...moved, faults[7], faults[9]].join(" ");
  });
  return (await Promise.all(done)).join("\n");
}

/** runc's and CRIU's processes of this restore, and what they started. */
async function restoringProcesses(work: string): Promise<number[]> {
  const started = (await startedWith("restore", work)).map(({ pid }) => pid);
  return [...started, ...(await Promise.all(started.map(childrenOf))).flat()];
}

async function endRestore(cgroup: string, work: string): Promise<void> {
  await killCgroup(cgroup);
  for (const { pid } of await startedWith("restore", work)) {
    for (const child of await childrenOf(pid)) endProcess(child);
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
