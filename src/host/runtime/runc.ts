import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";

/** Docker's shim keeps the state of every runtime that is configured by path below the first of these. */
const stateRoots = "/run/docker";

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

/** @throws container-not-running where runc has no state of it, for example under another runtime. */
export async function runcContainer(id: string): Promise<RuncContainer> {
  for (const root of await possibleRoots()) {
    const path = join(root, id, "state.json");
    if (!existsSync(path)) continue;
    const state = JSON.parse(await readFile(path, "utf8")) as {
      init_process_pid: number;
      cgroup_paths: Record<string, string>;
    };
    const cgroup = state.cgroup_paths[""] ?? state.cgroup_paths.freezer;
    // What is frozen or killed by this path must never be more than the container.
    if (!cgroup?.includes(id)) break;
    return { id, root, pid: state.init_process_pid, cgroup };
  }
  throw new GodwitError("container-not-running", `runc has no running container ${id.slice(0, 12)}.`, {
    hint: "godwit migrates only containers of the runtimes runc and godwit; see: docker inspect -f '{{.HostConfig.Runtime}}' CONTAINER",
  });
}

/** Undefined where runc has no such container. @throws where its state could not be read */
export async function findRuncContainer(id: string): Promise<RuncContainer | undefined> {
  return runcContainer(id).catch((error) => {
    if (error instanceof GodwitError && error.code === "container-not-running") return undefined;
    throw error;
  });
}

async function possibleRoots(): Promise<string[]> {
  const names = await readdir(stateRoots).catch(() => []);
  return names.filter((name) => name.startsWith("runtime-")).map((name) => join(stateRoots, name, "moby"));
}
