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

/** Memory that comes into a restored container while it runs. */
export interface LazyPages {
  /** Settles when every page is in the container. @throws restore-failed, after the container was killed */
  drained: Promise<void>;
  /** Kills the container unless every page is in it. */
  stop(): void;
}

/** What brings the memory, waiting for its orders. It ends with the agent, until it has them. */
export interface HeldLazyPages {
  /**
   * From now on CRIU finds it in its work folder, and so does whoever brings pages from the source (`pagesSocket`). It outlives
   * the agent. If it dies before the end, the container is killed: a page that has not arrived never reads as anything else.
   */
  start(orders: string): Promise<LazyPages>;
  /** Harmless where it has ended. */
  stop(): void;
}

const lookAgainMs = 100;
/** What its process that holds the memories calls itself: runtime/lazy-pages/guard.c. */
const guardName = "godwit-memory-guard";

/** Files in the work folder that say what became of the memory. The program makes and renames the first: runtime/lazy-pages/main.c. */
const marks = {
  /** From before the restore on: pages may be missing. */
  draining: "draining",
  /** No page is missing any more. */
  drained: "drained",
  /** From before the restore on: no page is left out of it. */
  eager: "eager",
};

/** Where it takes pages that come from the source. */
export function pagesSocket(work: string): string {
  return join(work, "pages.socket");
}

/**
 * When the last of the restored processes had the first pages that it waited for, in ns of CLOCK_MONOTONIC; undefined where none
 * waited. Known once all memory is there.
 */
export async function enteredAt(work: string): Promise<bigint | undefined> {
  const text = await readFile(join(work, "entered"), "utf8").catch(() => "");
  return /^\d+\n$/.test(text) ? BigInt(text.trim()) : undefined;
}

/**
 * Starts it for a container that will be restored into this cgroup (its folder, which need not exist yet), with the work folder of
 * the restore: what that costs is paid beforehand.
 */
export function holdLazyPages(cgroup: string, work: string): HeldLazyPages {
  // In a session of its own: it goes on if the agent ends.
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
      // Nobody waits for it where the restore fails.
      drained.catch(() => {});
      return { drained, stop };
    },
  };
}

/** Notes that a restore leaves no page out. To be done before anything of the container runs. */
export async function markEager(work: string): Promise<void> {
  await writeFile(join(work, marks.eager), "");
}

/** The memory of a container that an agent before this one restored, by the work folder of the restore. */
export function lazyPagesOf(work: string): LazyPages {
  const drained = outcome(work).then(async (memory) => {
    if (memory !== "whole") await fail(work, "it has ended");
  });
  drained.catch(() => {});
  return { drained, stop: () => void endWorker(work) };
}

/**
 * Whether memory that was left out of a restore will not come any more; then the container was killed. Waits while it comes. False
 * also where nothing tells of the restore: whoever has all memory removes the work folder.
 */
export async function isMemoryLost(work: string): Promise<boolean> {
  return (await outcome(work)) === "lost";
}

/** Waits for what brings memory, and for what kills the container if that fails. `unknown`: no file says anything. */
async function outcome(work: string): Promise<"whole" | "lost" | "unknown"> {
  const says = (mark: string) => isThere(join(work, mark));
  const look = async () => {
    // First: the mark is set before the process ends.
    const lives = (await processesOf(work)).length > 0;
    if ((await says(marks.drained)) || (await says(marks.eager))) return "whole";
    if (lives) return undefined;
    return (await says(marks.draining)) ? "lost" : "unknown";
  };
  for (;;) {
    // A look that fails says nothing.
    const found = await look().catch(() => undefined);
    if (found) return found;
    await sleep(lookAgainMs);
  }
}

/** The guard kills the container then, if it needs more memory. */
async function endWorker(work: string): Promise<void> {
  for (;;) {
    try {
      for (const { pid, name } of await processesOf(work)) if (name !== guardName) endProcess(pid);
      return;
    } catch {
      // It could not be looked for; the container must not wait for pages for ever.
      await sleep(lookAgainMs);
    }
  }
}

/** What brings memory to the restore with this work folder: the process that works, and its guard. */
async function processesOf(work: string): Promise<{ pid: number; name: string }[]> {
  const named = (await startedWith(work)).map(({ pid, words }) => ({ pid, name: basename(words[0] ?? "") }));
  return named.filter(({ name }) => name === guardName || name === basename(lazyPagesPath));
}

async function fail(work: string, how: string): Promise<never> {
  const log = await readFile(join(work, "lazy-pages.log"), "utf8").catch(() => "");
  throw new GodwitError(
    "restore-failed",
    `What brings the container's memory ended before all of it was there: ${log.trim() || how}.`,
    { hint: "The container was ended before it could see a page that is missing; it goes on where it was." },
  );
}
