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
import { DumpWatch } from "./watch.ts";

/** Name of CRIU's configuration file in the work folder. */
export const configFile = "criu.conf";
const watchFile = "watch";
/** How often runc (1.1 to 1.3) starts CRIU before the dump: to get its version, and for a lazy dump also its features. */
const startsBefore = { plain: 1, lazy: 2 };

export interface DumpRequest {
  /** Folder for the images. It exists and is empty. */
  images: string;
  /** Folder for CRIU's log and statistics. It is made where it is missing. */
  work: string;
  /** A file that lists shared objects whose contents are left out, once it is there: see runtime/criu/objects.c. */
  leftOut?: string | undefined;
}

/** How runc is started for a dump. */
export interface DumpStart {
  /** More arguments of runc. */
  more: string[];
  /** More options of CRIU beside `dumpOptions`, as lines of its configuration file. */
  options: string[];
  lazy: boolean;
  /** File descriptor that runc gets as its file descriptor 3. */
  status?: number;
  /** Settles when the container is dumped and CRIU begins to serve its pages. */
  served?: Promise<unknown>;
}

/** A runc whose CRIU waits before the dump. */
export interface HeldRunc {
  /** Lets CRIU dump. @throws dump-failed where runc has not waited */
  release(): Promise<void>;
  /** Ends the dump after `release`, without harm to the processes: `ended` rejects then, when CRIU has let go of them. */
  end(why: string): void;
  /** Kills runc and CRIU. Does nothing after `release`. */
  drop(): void;
  /** Settles when runc ends. @throws dump-failed with CRIU's reason */
  ended: Promise<void>;
}

/** Starts runc for a dump, and returns when runc has made its other starts of CRIU: see `startsBefore`. @throws dump-failed */
export async function holdRunc(container: RuncContainer, request: DumpRequest, start: DumpStart): Promise<HeldRunc> {
  await mkdir(request.work, { recursive: true, mode: 0o700 });
  await writeIrmapCache(container, request.work);
  const passing = startsBefore[start.lazy ? "lazy" : "plain"];
  const config = await HeldConfig.create(join(request.work, configFile), passing);
  const more = [...(await overridingOptions()), ...start.more];
  const watch = await DumpWatch.create(join(request.work, watchFile), container.cgroup);
  // The container stands still until the dump has ended, so that the dump gets a high priority.
  const child = spawn("nice", ["-n", "-10", "runc", ...dumpArguments(container, request, more)], {
    stdio: ["ignore", "ignore", "pipe", start.status ?? "ignore"],
    env: { ...process.env, CRIU_CONFIG_FILE: config.path, ...watch.environment, ...leavingOut(request.leftOut) },
    // runc must outlive the agent: it may serve the only copy of the container's memory.
    detached: true,
  });
  const options = [...dumpOptions, ...start.options];
  let released = false;
  const ended = endOf(child, request.work, watch).finally(() => Promise.all([config.close(), watch.close()]));
  const dumped = start.served ? Promise.race([ended, start.served]) : ended;
  dumped.finally(() => watch.rest()).catch(() => {});
  const early = dumped.then(async () => {
    if (released) return;
    // isHeld must not be true for a dump that has run.
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
      // A failed look shows nothing, and the dump goes on.
      watch.begin(child.pid ?? 0).catch(() => {});
    },
    end: (why) => void watch.end(why).catch(() => {}),
    drop() {
      if (!released) killGroup(child.pid);
    },
  };
}

const leavingOut = (list: string | undefined) => (list ? { GODWIT_SHARED_OBJECTS: list } : {});

async function endOf(child: ChildProcess, work: string, watch: DumpWatch): Promise<void> {
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint += chunk;
  });
  const [code] = await once(child, "close");
  if (code === 0) return;
  if (watch.why) {
    throw new GodwitError("dump-failed", `CRIU's dump of the container was ended: ${watch.why}.`, {
      hint: "The container runs on. Try again when the host is less busy.",
    });
  }
  const log = await readFile(join(work, "dump.log"), "utf8").catch(() => "");
  const { sentence, details } = explainCriuLog(log || complaint);
  throw new GodwitError("dump-failed", `CRIU could not dump the container: ${sentence}`, { details });
}

function tooEarly(): GodwitError {
  return new GodwitError("dump-failed", "runc dumped the container before it was frozen, so the dump is useless.", {
    hint: "godwit does not know this version of runc; see: godwit doctor",
  });
}

/** The arguments of runc for every dump. */
function dumpArguments(container: RuncContainer, request: DumpRequest, more: string[]): string[] {
  return [
    ...["--root", container.root, "checkpoint", "--leave-running", "--empty-ns", "network"],
    ...["--tcp-established", "--ext-unix-sk", "--file-locks"],
    ...["--image-path", request.images, "--work-path", request.work],
    ...more,
    container.id,
  ];
}
