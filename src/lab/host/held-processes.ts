import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseMounts } from "../../host/proc/mountinfo.ts";
import { run } from "../../host/proc/process.ts";

const prefix = "/godwit-";

/**
 * An agent keeps the original of a move in a second freezer, so that nobody can kill it (src/host/cgroup/deferred-kills.ts). A lab that
 * goes down lets such processes die. Harmless for all others.
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
    thawIn(folder, held);
  } finally {
    await run("umount", ["--lazy", folder]);
    rmdirSync(folder);
  }
}

function thawIn(top: string, paths: Iterable<string>): void {
  for (const path of paths) writeFileSync(join(top, path, "freezer.state"), "THAWED");
  removeEmpty(top);
}

/** The agent's cgroup that a process is in. */
function heldIn(pid: number): string[] {
  const file = `/proc/${pid}/cgroup`;
  if (!existsSync(file)) return [];
  try {
    const line = readFileSync(file, "utf8").match(/^\d+:freezer:(.*)$/m)?.[1] ?? "";
    return line.startsWith(prefix) ? [line] : [];
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

/** One that still has a process is in use, and stays. */
function removeEmpty(top: string): void {
  for (const name of readdirSync(top).filter((each) => `/${each}`.startsWith(prefix))) {
    try {
      rmdirSync(join(top, name));
    } catch {
      // A process in it has not ended yet: the next lab that goes down removes it.
    }
  }
}
