import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { ifGone } from "../proc/gone.ts";

/** Docker's shim keeps the state of every runtime that is configured by path below this folder. */
const dockerRunFolder = "/run/docker";

/** A running container as runc knows it. */
export interface RuncContainer {
  id: string;
  /** What `runc --root` needs. */
  root: string;
  /** Of its first process, in this host's process id namespace. */
  pid: number;
  /** Folder of its cgroup (version 2), or of its freezer cgroup (version 1). */
  cgroup: string;
}

/**
 * Undefined only where runc has no state of it: it does not run, or under another runtime.
 * @param id the whole one
 * @throws where that cannot be told, because a folder or a file could not be read: it may run
 */
export async function findRuncContainer(id: string, runFolder = dockerRunFolder): Promise<RuncContainer | undefined> {
  for (const root of await stateRoots(runFolder)) {
    const text = await readFile(join(root, id, "state.json"), "utf8").catch(ifGone(undefined));
    if (text === undefined) continue;
    const state = JSON.parse(text) as { init_process_pid: number; cgroup_paths?: Record<string, string> };
    // Other runtimes, which have files of this name, do not write it so.
    if (!state.cgroup_paths) continue;
    const cgroup = state.cgroup_paths[""] ?? state.cgroup_paths.freezer;
    // What is frozen or killed by this path must never be more than the container.
    if (!cgroup?.includes(id))
      throw new GodwitError("command-failed", `runc names no cgroup that is container ${id.slice(0, 12)}'s own.`, {
        hint: `See: cat ${join(root, id, "state.json")}`,
      });
    return { id, root, pid: state.init_process_pid, cgroup };
  }
  return undefined;
}

/** As `findRuncContainer`. @throws container-not-running where runc has no state of it */
export async function runcContainer(id: string): Promise<RuncContainer> {
  const found = await findRuncContainer(id);
  if (found) return found;
  throw new GodwitError("container-not-running", `runc has no running container ${id.slice(0, 12)}.`, {
    hint: "godwit migrates only containers of the runtimes runc and godwit; see: docker inspect -f '{{.HostConfig.Runtime}}' CONTAINER",
  });
}

async function stateRoots(runFolder: string): Promise<string[]> {
  const names = await readdir(runFolder).catch(ifGone<string[]>([]));
  return names.filter((name) => name.startsWith("runtime-")).map((name) => join(runFolder, name, "moby"));
}
