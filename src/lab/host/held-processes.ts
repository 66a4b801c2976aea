import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseMounts } from "../../host/proc/mountinfo.ts";
import { run } from "../../host/proc/process.ts";

const prefix = "/godwit-";
const patienceMs = 5000;

/**
 * Thaws processes that an agent holds in its second freezer. They are the originals of moves, and no kill ends them while they are
 * there (src/host/cgroup/deferred-kills.ts). A lab that goes down must end them. Does nothing for other processes.
 */
export async function releaseHeld(pids: number[]): Promise<void> {
  const held = new Set(pids.flatMap(heldIn));
  if (held.size === 0) return;
  const mounted = parseMounts(readFileSync("/proc/self/mountinfo", "utf8")).find(
    ({ type, superOptions }) => type === "cgroup" && superOptions.split(",").includes("freezer"),
  );
  if (mounted) return thawIn(mounted.mountpoint, held);
  const folder = mkdtempSync(join(tmpdir(), "godwit-freezer-"));
  await run("mount", ["-t", "cgroup", "-o", "freezer", "godwit", folder]);
  try {
    await thawIn(folder, held);
  } finally {
    await run("umount", ["--lazy", folder]);
    rmdirSync(folder);
  }
}

async function thawIn(top: string, paths: Iterable<string>): Promise<void> {
  for (const path of paths) {
    const folder = join(top, path);
    writeFileSync(join(folder, "freezer.state"), "THAWED");
    await untilRemoved(folder);
  }
}

/** The agent's freezer cgroup that holds a process: a list of one path, or an empty list. */
function heldIn(pid: number): string[] {
  const file = `/proc/${pid}/cgroup`;
  if (!existsSync(file)) return [];
  try {
    const line = readFileSync(file, "utf8").match(/^\d+:freezer:(.*)$/m)?.[1] ?? "";
    return line.startsWith(prefix) ? [line] : [];
  } catch {
    // The process has ended meanwhile.
    return [];
  }
}

/** Removes a cgroup. A killed process stays in it for a moment, so this is tried again for five seconds. */
async function untilRemoved(folder: string): Promise<void> {
  for (const end = performance.now() + patienceMs; existsSync(folder); await sleep(20)) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}
