import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import { runFolder } from "../paths.ts";
import { ifGone, isThere } from "../proc/gone.ts";
import { mountsOf } from "../proc/mountinfo.ts";
import { run } from "../proc/process.ts";
import { pidsBelow } from "../proc/processes.ts";
import type { RuncContainer } from "../runtime/runc.ts";
import { isUnifiedHost } from "./hierarchy.ts";

/*
 * A process that the freezer of cgroups version 1 has frozen takes no signal, SIGKILL included, until it is thawed. In version 2 a
 * kill ends a frozen process at once. So a frozen container that nobody may end yet is frozen by both.
 */

/** The freezer's hierarchy of version 1; mounted as long as a container is in it. */
const mountpoint = `${runFolder}/freezer`;
const patienceMs = 2000;

let turn: Promise<unknown> = Promise.resolve();

/** One after the other: the last container that leaves the hierarchy unmounts it. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work);
  // Its error is thrown to its own caller.
  turn = mine.catch(() => {});
  return mine;
}

const folderOf = (id: string) => join(mountpoint, `godwit-${id}`);

/**
 * From now on nobody can kill the processes of a frozen container: a kill waits, and so does whoever asked for it. Docker gives up
 * after some seconds, and does not start the container again.
 * @throws command-failed where the kernel does not offer it: kills are not deferred then
 */
export const deferKills = (container: RuncContainer): Promise<void> => inTurn(() => defer(container));

async function defer(container: RuncContainer): Promise<void> {
  // On a host with cgroups of version 1, runc itself freezes this way, and looks for the processes in that cgroup.
  if (!isUnifiedHost()) return;
  await mkdir(mountpoint, { recursive: true, mode: 0o700 });
  if (!(await isMounted()))
    await run("mount", ["-t", "cgroup", "-o", "freezer,nosuid,nodev,noexec", "godwit", mountpoint]);
  const folder = folderOf(container.id);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "freezer.state"), "FROZEN");
  for (const pid of await pidsBelow(container.cgroup))
    await writeFile(join(folder, "cgroup.procs"), String(pid)).catch(ifGone(undefined));
  const deadline = performance.now() + patienceMs;
  while (!(await readFile(join(folder, "freezer.state"), "utf8")).startsWith("FROZEN")) {
    if (performance.now() > deadline)
      throw new GodwitError("command-failed", `Kills of container ${container.id.slice(0, 12)} are not deferred.`);
    await sleep(1);
  }
}

/** Whether kills of this container are deferred, also by an agent before this one. */
export const defersKills = (id: string): Promise<boolean> => isThere(folderOf(id));

/** Kills arrive again, those that waited at once. The container stays frozen by its own cgroup. Harmless where nothing waits. */
export const deliverKills = (id: string): Promise<void> => inTurn(() => deliver(id));

async function deliver(id: string): Promise<void> {
  const folder = folderOf(id);
  if (!(await isThere(folder))) return;
  await writeFile(join(folder, "freezer.state"), "THAWED");
  for (const pid of await pidsBelow(folder))
    await writeFile(join(mountpoint, "cgroup.procs"), String(pid)).catch(ifGone(undefined));
  await removeEmpty(folder);
  await removeLeft();
  const others = (await readdir(mountpoint)).some((name) => name.startsWith("godwit-"));
  if (!others) await run("umount", [mountpoint], { accept: [1, 32] });
}

/** CRIU notes all cgroups of this hierarchy in a dump, and makes them again, empty, where it restores the container. */
async function removeLeft(): Promise<void> {
  for (const name of await readdir(mountpoint)) {
    const folder = join(mountpoint, name);
    if (!name.startsWith("godwit-") || !(await isLeft(folder).catch(() => false))) continue;
    await rmdir(folder).catch(() => {});
  }
}

async function isLeft(folder: string): Promise<boolean> {
  const [state, processes] = await Promise.all([
    readFile(join(folder, "freezer.state"), "utf8"),
    readFile(join(folder, "cgroup.procs"), "utf8"),
  ]);
  return state.startsWith("THAWED") && processes === "";
}

/** A process that ends is in its cgroup for a moment. */
async function removeEmpty(folder: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await rmdir(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") return ifGone(undefined)(error);
      if (performance.now() > deadline) throw error;
      await sleep(5);
    }
  }
}

const isMounted = async (): Promise<boolean> =>
  (await mountsOf("self")).some((mount) => mount.mountpoint === mountpoint);
