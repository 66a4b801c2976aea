import { readFile, readlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type ContainerProcess, endProcess } from "../proc/processes.ts";

/** A killed process is gone at once, unless it waits for a disk; then a dump goes on without waiting. */
const patienceMs = 1000;

/** The processes of a container, told apart. */
export interface ToldApart {
  own: ContainerProcess[];
  /** Of `docker exec` sessions and health checks, which CRIU does not dump. */
  sessions: ContainerProcess[];
}

/**
 * A session's first process has a parent outside the container, and the others descend from it.
 * @param first `hostPid` of the container's first process
 */
export async function tellApart(processes: ContainerProcess[], first: number): Promise<ToldApart> {
  const known = new Set(processes.map(({ hostPid }) => hostPid));
  const space = await pidNamespace(first);
  const roots = await Promise.all(
    processes.map(async ({ hostPid, parent }) => {
      if (hostPid === first || known.has(parent)) return [];
      const outside = await pidNamespace(parent);
      // One that cannot be told is left alone.
      return space && outside && space !== outside ? [hostPid] : [];
    }),
  );
  const sessions = below(processes, roots.flat());
  return { own: processes.filter((each) => !sessions.includes(each)), sessions };
}

/** Those with the `hostPid`s given, and what descends from them. */
export function below<Each extends Pick<ContainerProcess, "hostPid" | "parent">>(
  processes: Each[],
  roots: number[],
): Each[] {
  const found = new Set(roots);
  for (let before = -1; found.size > before; ) {
    before = found.size;
    for (const { hostPid, parent } of processes) if (found.has(parent)) found.add(hostPid);
  }
  return processes.filter(({ hostPid }) => found.has(hostPid));
}

/**
 * Kills the sessions in a frozen container: what they share with its own processes, such as a connection of a unix socket, would
 * make the dump fail. (A freezer of cgroup version 1 does not let them die.)
 * @returns the processes that are left
 */
export async function endExecSessions(processes: ContainerProcess[], first: number): Promise<ContainerProcess[]> {
  const { own, sessions } = await tellApart(processes, first);
  for (const { hostPid } of sessions) endProcess(hostPid);
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(1)) {
    if (!(await Promise.all(sessions.map(({ hostPid }) => isAlive(hostPid)))).includes(true)) break;
  }
  return own;
}

/** Undefined where there is no such process. */
const pidNamespace = (pid: number) => readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);

/** One that waits for its parent to ask after it has let go of everything. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") X");
  return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}
