import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";

/**
 * Starts a shell script in a cgroup as a process that stays when this one ends. If this process is killed meanwhile, the
 * script is in the cgroup already, or it ends by itself. @returns what `ready` finds within 20 s
 * @throws GodwitError `lab-failed` with the end of its log
 */
export async function daemon<T>(
  cgroup: string,
  script: string[],
  logFile: string,
  ready: () => T | undefined,
): Promise<T> {
  const log = openSync(logFile, "w");
  const args = ["-c", enterScript, join(cgroup, "cgroup.procs"), String(process.pid), ...script];
  const child = spawn("sh", args, { detached: true, stdio: ["ignore", log, log], cwd: "/" });
  closeSync(log);
  let ended = false;
  child.once("exit", () => {
    ended = true;
  });
  child.once("error", () => {
    ended = true;
  });
  child.unref();
  const found = await until(() => ready() ?? (ended ? "ended" : undefined), 20_000, 10);
  if (found !== undefined && found !== "ended") return found as T;
  const details = readFileSync(logFile, "utf8").trim().split("\n").slice(-12);
  throw new GodwitError("lab-failed", `A part of the lab ${ended ? "ended while starting" : "did not start"}.`, {
    hint: `Its log is ${logFile}.`,
    details,
  });
}

// The next `up` ends every process in the cgroup. A script that enters the cgroup after that must end by itself: it must not
// run beside the script that the next `up` starts.
const enterScript = `
  echo 0 >"$0" || exit
  read -r pid name state parent rest </proc/self/stat
  [ "$parent" = "$1" ] || exit
  shift
  exec sh "$@"
`;

/** Polls every `interval` ms until `probe` finds something; undefined if it finds nothing within `timeout` ms. */
export async function until<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  timeout: number,
  interval = 50,
): Promise<T | undefined> {
  for (const end = performance.now() + timeout; ; await delay(interval)) {
    const found = await probe();
    if (found !== undefined || performance.now() > end) return found;
  }
}
