import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import { lazyPagesPath } from "../paths.ts";
import { explainCriuLog } from "./reason.ts";

export interface LazyPages {
  /** Settles when every page is in the container. Rejects with restore-failed, after the container was killed. */
  drained: Promise<void>;
  stop(): void;
}

/** The daemon's guard leaves it in the work folder when every page is in the container. */
const resultFile = "drained";

/** The daemon's guard, which waits for its orders. It ends with the agent, until it has them. */
export interface LazyPagesGuard {
  /**
   * Starts the daemon that puts memory into the restored container while it runs, and returns when it is ready. Pages come from
   * the images in a folder of this host or, with a port of 127.0.0.1, from the dump that is served behind it. If it dies before
   * the end, the container is killed: a page that has not arrived never reads as anything else.
   */
  start(images: string, work: string, port?: number): Promise<LazyPages>;
  /** Harmless where it has ended. */
  stop(): void;
}

/** Starts the guard for a container that will be restored: what it costs is paid before the container stands still. */
export function preheatLazyPages(container: { id: string; runcRoot: string }): LazyPagesGuard {
  // In a session of its own: it goes on if the agent ends.
  const child = spawn(lazyPagesPath, [container.runcRoot, container.id], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  // Without Perl it fails when it is needed; who writes to it then hears of its end.
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  return {
    start: (images, work, port) => startDaemon(child, images, work, port),
    stop: () => child.kill("SIGTERM"),
  };
}

async function startDaemon(
  child: ChildProcessByStdio<Writable, Readable, null>,
  images: string,
  work: string,
  port?: number,
): Promise<LazyPages> {
  const log = "lazy-pages.log";
  const daemon = ["criu", "lazy-pages", "-D", images, "-W", work, "-v1", "-o", log];
  if (port) daemon.push("--page-server", "--address", "127.0.0.1", "--port", String(port));
  const ready = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  const fail = async (why: string) => {
    const { sentence, details } = explainCriuLog(await readFile(join(work, log), "utf8").catch(() => ""));
    const error = new GodwitError(
      "restore-failed",
      `CRIU's lazy-pages daemon ended before all memory was there (${why}): ${sentence}`,
      { details },
    );
    ready.reject(error);
    drained.reject(error);
  };
  drained.promise.catch(() => {});
  ready.promise.catch(() => {});
  if (child.pid === undefined) fail(`${lazyPagesPath} cannot be run`);
  else if (child.exitCode !== null || child.signalCode !== null) fail(String(child.signalCode ?? child.exitCode));
  child.once("exit", (code, signal) => (code === 0 ? drained.resolve() : fail(String(signal ?? code))));
  createInterface(child.stdout).on("line", (line) => {
    if (line === "ready") ready.resolve();
  });
  child.stdin.end([join(work, resultFile), ...daemon, "", ""].join("\n"));
  await ready.promise;
  return { drained: drained.promise, stop: () => child.kill("SIGTERM") };
}

/**
 * Settles when the daemon that an agent before this one started for the container has ended.
 * @throws restore-failed where it ended before every page was there; the container was killed then
 */
export async function waitForLazyPages(id: string, work: string): Promise<void> {
  while (await isServed(id)) await sleep(100);
  if (existsSync(join(work, resultFile))) return;
  throw new GodwitError("restore-failed", "The container's memory stopped coming before all of it was there.");
}

async function isServed(id: string): Promise<boolean> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands.some((command) => command.includes(lazyPagesPath) && command.includes(id));
}
