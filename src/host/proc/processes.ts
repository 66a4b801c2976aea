import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ifGone, isGone } from "./gone.ts";

export interface ContainerProcess {
  /** In the host's process id namespace. */
  hostPid: number;
  /** `hostPid` of its parent, which need not be of the container: that of a `docker exec` session's first process is not. */
  parent: number;
  /** As the container's own processes see it. */
  pid: number;
  command: string;
  /** Such as `user 999`, where any of its real, effective and saved ids is not root's. */
  as?: string | undefined;
  /** Resident memory in bytes, without what is of a tmpfs or shared without a file; other shared pages counted by share. */
  memoryBytes: number;
  /** What it would have more if it shared no page by copy-on-write. */
  copiedBytes: number;
}

/** Every process of a container, also those in cgroups below its own, by rising pid. */
export async function containerProcesses(
  cgroup: string,
  options: { memory?: boolean } = {},
): Promise<ContainerProcess[]> {
  const found = await Promise.all((await pidsBelow(cgroup)).map((pid) => describe(pid, options.memory ?? false)));
  return found.filter((process) => process !== undefined).sort((a, b) => a.pid - b.pid);
}

/**
 * Ids of the processes in a cgroup and those below it, in the host's process id namespace. None where the cgroup is gone.
 * @throws the system's error where that cannot be told
 */
export async function pidsBelow(cgroup: string): Promise<number[]> {
  const entries = await readdir(cgroup, { withFileTypes: true }).catch(ifGone([]));
  const own = await readFile(join(cgroup, "cgroup.procs"), "utf8").catch(noneOfItsOwn);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => pidsBelow(join(cgroup, entry.name))),
  );
  return [...own.split("\n").filter(Boolean).map(Number), ...below.flat()];
}

/** The processes of a threaded cgroup are listed in the one above it. */
function noneOfItsOwn(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOTSUP" || isGone(error)) return "";
  throw error;
}

/** Kills it. Harmless where it is gone. */
export function endProcess(hostPid: number): void {
  try {
    process.kill(hostPid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Undefined where the process has ended meanwhile, or lives in another process id namespace (pid 0). */
async function describe(hostPid: number, memory: boolean): Promise<ContainerProcess | undefined> {
  try {
    const status = await readFile(`/proc/${hostPid}/status`, "utf8");
    const field = (name: string) => status.match(new RegExp(`^${name}:\\s*(.*)$`, "m"))?.[1] ?? "";
    if (field("State").startsWith("Z")) return undefined;
    return {
      hostPid,
      parent: Number(field("PPid")),
      pid: Number(field("NSpid").split(/\s+/).at(-1)),
      command: field("Name"),
      as: otherThanRoot("user", field("Uid")) ?? otherThanRoot("group", field("Gid")),
      ...(memory ? await measured(hostPid) : { memoryBytes: 0, copiedBytes: 0 }),
    };
  } catch (error) {
    return ifGone(undefined)(error);
  }
}

/** Of a line of /proc/PID/status: the real, effective, saved and file system id. The last one gives no rights that matter here. */
function otherThanRoot(kind: string, ids: string): string | undefined {
  const [real, effective, saved] = ids.split(/\s+/);
  const other = [effective, real, saved].find((id) => id !== "0");
  return other && `${kind} ${other}`;
}

async function measured(pid: number): Promise<Pick<ContainerProcess, "memoryBytes" | "copiedBytes">> {
  const bytes = await rollup(pid);
  return {
    memoryBytes: bytes("Pss") - bytes("Pss_Shmem"),
    copiedBytes: bytes("Anonymous") - bytes("Pss_Anon"),
  };
}

/** Bytes of memory that belong to no file and that a process does not share, in full also where another process has the same page. */
export async function anonymousMemory(pid: number): Promise<number> {
  const bytes = await rollup(pid);
  return bytes("Anonymous") + bytes("Swap");
}

/** The sums over all mappings of a process, by name, in bytes. 0 where it has ended. */
async function rollup(pid: number): Promise<(name: string) => number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(ifGone(""));
  return (name) => Number(text.match(new RegExp(`^${name}:\\s*(\\d+) kB`, "m"))?.[1] ?? 0) * 1024;
}
