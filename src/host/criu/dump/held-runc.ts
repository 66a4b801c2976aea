import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../../../contract/errors.ts";
import { killGroup } from "../../proc/process.ts";
import type { RuncContainer } from "../../runtime/runc.ts";
import { dumpOptions } from "../options.ts";
import { explainCriuLog } from "../reason.ts";
import { HeldConfig } from "./held-config.ts";
import { writeIrmapCache } from "./irmap-cache.ts";
import { overridingOptions } from "./runc-options.ts";

/** In the work folder. */
export const configFile = "criu.conf";
/** runc asks CRIU for its version, in a process of its own, and for a lazy dump also for its features (1.1 to 1.3). */
const startsBefore = { plain: 1, lazy: 2 };

export interface DumpRequest {
  /** Folder for the images; exists, empty. */
  images: string;
  /** Folder for CRIU's log and statistics; made where it is missing. */
  work: string;
  /** Port of 127.0.0.1 that takes the memory pages, instead of `images`. */
  pagePort?: number;
  /** Images of a pre-dump, as a path from `images`; only pages that were written to since go. */
  parent?: string | undefined;
}

/** How runc is started for a dump. */
export interface DumpStart {
  /** What is added to its arguments. */
  more: string[];
  /** What CRIU is told beside `dumpOptions`. */
  options: string[];
  lazy: boolean;
  /** Its file descriptor 3. */
  status?: number;
  /** Settles when the container is dumped and runc goes on, serving its pages. */
  served?: Promise<unknown>;
}

/** runc, whose CRIU waits. */
export interface HeldRunc {
  /** Lets it go on. */
  release(): Promise<void>;
  drop(): void;
  /** Settles with its end. @throws dump-failed with CRIU's reason */
  ended: Promise<void>;
}

/** Starts runc for a dump, up to the start of the CRIU that dumps. */
export async function holdRunc(container: RuncContainer, request: DumpRequest, start: DumpStart): Promise<HeldRunc> {
  await mkdir(request.work, { recursive: true, mode: 0o700 });
  await writeIrmapCache(container, request.work);
  const passing = startsBefore[start.lazy ? "lazy" : "plain"];
  const config = await HeldConfig.create(join(request.work, configFile), passing);
  const more = [...(await overridingOptions()), ...start.more];
  // While the container stands still, nothing is more urgent.
  const child = spawn("nice", ["-n", "-10", "runc", ...dumpArguments(container, request, more)], {
    stdio: ["ignore", "ignore", "pipe", start.status ?? "ignore"],
    env: { ...process.env, CRIU_CONFIG_FILE: config.path },
    // It goes on if the agent ends: what it serves may be somebody's memory.
    detached: true,
  });
  const options = [...dumpOptions, ...start.options];
  let released = false;
  const ended = endOf(child, request.work).finally(() => config.close());
  const dumped = start.served ? Promise.race([ended, start.served]) : ended;
  const early = dumped.then(async () => {
    if (released) return;
    // What goes on must not be taken for what waits.
    await config.open(options);
    throw tooEarly();
  });
  early.catch(() => {});
  for (let passed = 0; passed < passing; passed += 1) await Promise.race([config.pass(options), early]);
  return {
    ended,
    async release() {
      released = await config.release(options);
      if (!released) await early;
    },
    drop() {
      if (!released) killGroup(child.pid);
    },
  };
}

async function endOf(child: ChildProcess, work: string): Promise<void> {
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint += chunk;
  });
  const [code] = await once(child, "close");
  if (code === 0) return;
  const log = await readFile(join(work, "dump.log"), "utf8").catch(() => "");
  const { sentence, details } = explainCriuLog(log || complaint);
  throw new GodwitError("dump-failed", `CRIU could not dump the container: ${sentence}`, { details });
}

function tooEarly(): GodwitError {
  return new GodwitError(
    "dump-failed",
    "runc dumped the container before it was frozen, so that the dump is of no use.",
    {
      hint: "This version of runc is not known to godwit; see: godwit doctor",
    },
  );
}

/** What runc is called with for every dump. */
function dumpArguments(container: RuncContainer, request: DumpRequest, more: string[]): string[] {
  return [
    ...["--root", container.root, "checkpoint", "--leave-running", "--empty-ns", "network"],
    ...["--tcp-established", "--ext-unix-sk", "--file-locks"],
    ...["--image-path", request.images, "--work-path", request.work],
    ...(request.parent ? ["--parent-path", request.parent] : []),
    ...more,
    container.id,
  ];
}
