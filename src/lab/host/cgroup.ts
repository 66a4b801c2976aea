import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import { type Mount, parseMounts } from "../../host/proc/mountinfo.ts";
import { cgroupName } from "../paths.ts";
import { releaseHeld } from "./held-processes.ts";

/** Where this machine has the cgroup2 tree, which may lie below or beside trees of version 1. */
export function findCgroup2(mounts: Mount[]): string | undefined {
  return mounts.find(({ type }) => type === "cgroup2")?.mountpoint;
}

/** The folder of a lab's cgroup. Every process of the lab lives below it, so that `down` can find and end them all. */
export function labCgroup(lab: string): string {
  const mount = findCgroup2(parseMounts(readFileSync("/proc/self/mountinfo", "utf8")));
  if (mount) return join(mount, cgroupName(lab));
  throw new GodwitError("unsupported-system", "This machine has no cgroup2 tree mounted.", {
    hint: "Mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup",
  });
}

/**
 * Makes the cgroup of the LAN and of each host: `lan`, and `hN/init` for the host's own processes. A cgroup that gives
 * controllers to its children may hold no process, so the host's processes are in a leaf.
 */
export function makeCgroups(lab: string, hosts: string[]): void {
  const top = labCgroup(lab);
  try {
    mkdirSync(join(top, "lan"), { recursive: true });
  } catch (cause) {
    throw new GodwitError("unsupported-system", `The cgroup ${top} cannot be made.`, {
      hint: "In a container, run the container with --privileged and a writable cgroup2 tree.",
      cause,
    });
  }
  handDown(top);
  for (const host of hosts) mkdirSync(join(top, host, "init"), { recursive: true });
}

/** Kills every process below a cgroup, frozen or not, and removes the cgroup. Tries for ten seconds. Does nothing if there is none. */
export async function removeCgroup(folder: string): Promise<void> {
  for (const end = performance.now() + 10_000; existsSync(folder); await delay(10)) {
    try {
      killAll(folder);
      for (const cgroup of deepestFirst(folder)) {
        killAll(cgroup);
        await releaseHeld(pidsOf(cgroup));
        rmdirSync(cgroup);
      }
    } catch (error) {
      // Killed processes take a moment to leave, and a host that ends may still make or remove cgroups of its own.
      if (performance.now() > end) throw error;
    }
  }
}

function killAll(cgroup: string): void {
  if (readFileSync(join(cgroup, "cgroup.events"), "utf8").includes("populated 0")) return;
  if (existsSync(join(cgroup, "cgroup.kill"))) {
    writeFileSync(join(cgroup, "cgroup.kill"), "1");
    return;
  }
  for (const pid of pidsOf(cgroup)) process.kill(pid, "SIGKILL");
  writeFileSync(join(cgroup, "cgroup.freeze"), "0");
}

const pidsOf = (cgroup: string): number[] =>
  readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);

function deepestFirst(folder: string): string[] {
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...below.flatMap((entry) => deepestFirst(join(folder, entry.name))), folder];
}

function handDown(folder: string): void {
  const controllers = readFileSync(join(folder, "cgroup.controllers"), "utf8").split(/\s+/).filter(Boolean);
  for (const controller of controllers) {
    try {
      writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
    } catch {
      // A machine may keep a controller to itself. Containers have no limits of that kind then.
    }
  }
}
