import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../../contract/errors.ts";
import { lazyPagesPath } from "../../paths.ts";
import { isThere } from "../../proc/gone.ts";
import { startedWith } from "../../proc/process-table.ts";
import { endProcess } from "../../proc/processes.ts";

/** The transfer of memory into a restored container that runs. */
export interface LazyPages {
  /** Settles when every page is in the container. @throws restore-failed; the container was killed then */
  drained: Promise<void>;
  /** Kills the container unless every page is in it. */
  stop(): void;
}

/** A `godwit-lazy-pages` that waits for its orders. It ends with the agent, unless it has got its orders. */
export interface HeldLazyPages {
  /**
   * Gives the program its orders (`lazyOrders`), and returns when it listens: for CRIU in the work folder, and for pages from the
   * source at `pagesSocket`. From now on it outlives the agent. If it dies before every page has arrived, its guard kills the
   * container, because a page that has not arrived must never read as anything else.
   * @throws restore-failed
   */
  start(orders: string): Promise<LazyPages>;
  /** Ends the program. Harmless where it has ended already. */
  stop(): void;
}

const lookAgainMs = 100;
/** Name of the process that holds the userfaultfds: see runtime/lazy-pages/guard.c. */
const guardName = "godwit-memory-guard";

/** Files in the work folder that tell the state of the memory. runtime/lazy-pages/main.c makes `draining` and renames it to `drained`. */
const marks = {
  /** Made before the restore: pages may be missing. */
  draining: "draining",
  /** No page is missing. */
  drained: "drained",
  /** Made before the restore: the restore itself brings every page. */
  eager: "eager",
};

/** The unix socket where `godwit-lazy-pages` takes pages from the source. */
export function pagesSocket(work: string): string {
  return join(work, "pages.socket");
}

/**
 * The time at which the last of the restored processes got the first pages that it waited for, in ns of CLOCK_MONOTONIC. Undefined
 * where no process waited, and before all memory is there.
 */
export async function enteredAt(work: string): Promise<bigint | undefined> {
  const text = await readFile(join(work, "entered"), "utf8").catch(() => "");
  return /^\d+\n$/.test(text) ? BigInt(text.trim()) : undefined;
}

/**
 * Starts `godwit-lazy-pages` before its orders are known, so that its start costs no downtime.
 * @param cgroup folder of the cgroup of the restored container; it need not exist yet
 * @param work work folder of the restore
 */
export function holdLazyPages(cgroup: string, work: string): HeldLazyPages {
  // Detached, so that it goes on if the agent ends.
  const child = spawn(lazyPagesPath, [cgroup, work], { stdio: ["pipe", "pipe", "ignore"], detached: true });
  child.stdin.on("error", () => {});
  const ended = once(child, "exit").then(
    ([code, signal]) => code === 0 || fail(work, `it ended with ${signal ?? code}`),
    (error: Error) => fail(work, error.message),
  );
  ended.catch(() => {});
  const stop = () => {
    child.kill("SIGTERM");
  };
  return {
    stop,
    async start(orders) {
      child.stdin.end(orders);
      await Promise.race([once(child.stdout, "data"), ended]);
      const drained = ended.then(() => {});
      // If the restore fails, nobody waits for `drained`.
      drained.catch(() => {});
      return { drained, stop };
    },
  };
}

/** Notes that a restore brings every page itself. Must be called before any process of the container runs. */
export async function markEager(work: string): Promise<void> {
  await writeFile(join(work, marks.eager), "");
}

/** The transfer of memory that an earlier agent started, by the work folder of the restore. */
export function lazyPagesOf(work: string): LazyPages {
  const drained = outcome(work).then(async (memory) => {
    if (memory !== "whole") await fail(work, "it has ended");
  });
  drained.catch(() => {});
  return { drained, stop: () => void endWorker(work) };
}

/** Ends the transfer of memory that an earlier agent started. Harmless where there is none. */
export const endLazyPagesOf = (work: string): Promise<void> => endWorker(work);

/**
 * Waits while memory still comes into a restored container. True where the rest of the memory is lost; the container was then
 * killed. False where all memory is there, and where the work folder is gone: it is removed once all memory is there.
 */
export async function isMemoryLost(work: string): Promise<boolean> {
  return (await outcome(work)) === "lost";
}

/** Waits until `godwit-lazy-pages` and its guard have ended. `unknown`: the work folder has none of the `marks`. */
async function outcome(work: string): Promise<"whole" | "lost" | "unknown"> {
  const says = (mark: string) => isThere(join(work, mark));
  const look = async () => {
    // The processes come first, because the program sets its mark before it ends.
    const isRunning = (await processesOf(work)).length > 0;
    if ((await says(marks.drained)) || (await says(marks.eager))) return "whole";
    if (isRunning) return undefined;
    return (await says(marks.draining)) ? "lost" : "unknown";
  };
  for (;;) {
    // After a failed look the state is unknown, so this looks again.
    const found = await look().catch(() => undefined);
    if (found) return found;
    await sleep(lookAgainMs);
  }
}

/** Ends the process that brings memory. Its guard then kills the container, unless every page is there. */
async function endWorker(work: string): Promise<void> {
  for (;;) {
    try {
      for (const { pid, name } of await processesOf(work)) if (name !== guardName) endProcess(pid);
      return;
    } catch {
      // The search for the process failed. It is repeated, because the container would wait for its pages for ever.
      await sleep(lookAgainMs);
    }
  }
}

/** The processes of `godwit-lazy-pages` for the restore with this work folder: the one that works, and its guard. */
async function processesOf(work: string): Promise<{ pid: number; name: string }[]> {
  const named = (await startedWith(work)).map(({ pid, words }) => ({ pid, name: basename(words[0] ?? "") }));
  return named.filter(({ name }) => name === guardName || name === basename(lazyPagesPath));
}

async function fail(work: string, how: string): Promise<never> {
  const log = await readFile(join(work, "lazy-pages.log"), "utf8").catch(() => "");
  throw new GodwitError(
    "restore-failed",
    `godwit-lazy-pages ended before all memory was in the container: ${log.trim() || how}.`,
    { hint: "The container was killed before it could read a missing page; it goes on where it was." },
  );
}
