import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../../contract/errors.ts";
import { lazyPagesPath } from "../../paths.ts";
import { startedWith } from "../../proc/process-table.ts";

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

/** Starts it for a container that will be restored, with the work folder of the restore: what that costs is paid beforehand. */
export function holdLazyPages(container: { id: string; runcRoot: string }, work: string): HeldLazyPages {
  // In a session of its own: it goes on if the agent ends.
  const child = spawn(lazyPagesPath, [container.runcRoot, container.id, work], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
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

/** What an agent before this one started for the container. */
export function lazyPagesOf(id: string, work: string): LazyPages {
  const find = () => startedWith(lazyPagesPath, id);
  const drained = (async () => {
    while ((await find()).length > 0) await sleep(lookAgainMs);
    if (!existsSync(join(work, "drained"))) await fail(work, "it has ended");
  })();
  drained.catch(() => {});
  return {
    drained,
    stop: () => {
      find().then((found) => {
        for (const { pid } of found) process.kill(pid, "SIGKILL");
      }, ignore);
    },
  };
}

function ignore(): void {}

async function fail(work: string, how: string): Promise<never> {
  const log = await readFile(join(work, "lazy-pages.log"), "utf8").catch(() => "");
  throw new GodwitError(
    "restore-failed",
    `What brings the container's memory ended before all of it was there: ${log.trim() || how}.`,
    { hint: "The container was ended before it could see a page that is missing; it goes on where it was." },
  );
}
