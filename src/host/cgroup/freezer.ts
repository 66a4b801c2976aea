import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import { ifGone, isGone, isThere } from "../proc/gone.ts";
import { run } from "../proc/process.ts";
import { endProcess, pidsBelow } from "../proc/processes.ts";
import type { RuncContainer } from "../runtime/runc.ts";

/** A process in an uninterruptible sleep (a hung network disk) can hold a freeze up; then it is given up. */
const patienceMs = 5000;
/** Time for a process to have started another. */
const startingMs = 5;

/**
 * Stops all processes of a container at one instant, and returns when they stand still.
 * A frozen container stays frozen through a dump by CRIU, so whoever froze it decides what becomes of it.
 * @throws command-failed, with the container thawed again, when it cannot be frozen.
 */
export async function freeze(container: RuncContainer): Promise<void> {
  if (!(await isUnified(container))) {
    await run("runc", ["--root", container.root, "pause", container.id]);
    return;
  }
  const deadline = performance.now() + patienceMs;
  await writeFile(join(container.cgroup, "cgroup.freeze"), "1");
  while (!(await isFrozen(container)) || (await isCaughtStarting(container))) {
    // A process that waits for its child's exec counts as frozen, and CRIU cannot seize it: let it get past that.
    if (await isFrozen(container)) {
      await thaw(container);
      await sleep(startingMs);
      await writeFile(join(container.cgroup, "cgroup.freeze"), "1");
    }
    if (performance.now() > deadline) {
      await thaw(container);
      throw new GodwitError(
        "command-failed",
        `The processes of container ${container.id.slice(0, 12)} did not stand still.`,
        {
          hint: "One of them is probably waiting for a disk; look at its state with: ps -eo pid,stat,wchan,cmd",
        },
      );
    }
    await sleep(1);
  }
}

/** Whether a process stands still in the middle of a vfork, as system() and posix_spawn() use it. */
async function isCaughtStarting(container: RuncContainer): Promise<boolean> {
  const pids = await pidsBelow(container.cgroup);
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(ifGone(""))));
  return stats.some((stat) => stat.slice(stat.lastIndexOf(")") + 2).startsWith("D"));
}

/** Harmless where it was not frozen, or has ended. @throws the system's error where it may be frozen still */
export async function thaw(container: RuncContainer): Promise<void> {
  if (!(await isThere(container.cgroup))) return;
  if (await isUnified(container)) await writeFile(join(container.cgroup, "cgroup.freeze"), "0").catch(ignoreGone);
  else await run("runc", ["--root", container.root, "resume", container.id]);
}

export async function isFrozen(container: RuncContainer): Promise<boolean> {
  if (!(await isUnified(container)))
    return (await readFile(join(container.cgroup, "freezer.state"), "utf8")).trim() === "FROZEN";
  return (await readFile(join(container.cgroup, "cgroup.events"), "utf8")).includes("frozen 1");
}

/** Kills every process of a cgroup at once, frozen or not, without asking Docker. Harmless where the cgroup is gone. */
export async function killCgroup(cgroup: string): Promise<void> {
  if (await isThere(join(cgroup, "cgroup.kill"))) {
    await writeFile(join(cgroup, "cgroup.kill"), "1").catch(ignoreGone);
    // Each has its signal now and runs no instruction more. A cgroup that stays frozen is a paused container to runc, which it
    // would not delete, so that Docker could not start the container again.
    await writeFile(join(cgroup, "cgroup.freeze"), "0").catch(ignoreGone);
    return;
  }
  // A frozen process of version 1 dies with the thaw, before it does anything else.
  const pids = await readFile(join(cgroup, "cgroup.procs"), "utf8").catch(ifGone(""));
  for (const pid of pids.split("\n").filter(Boolean)) endProcess(Number(pid));
}

function ignoreGone(error: NodeJS.ErrnoException): void {
  if (!isGone(error)) throw error;
}

function isUnified(container: RuncContainer): Promise<boolean> {
  return isThere(join(container.cgroup, "cgroup.freeze"));
}
