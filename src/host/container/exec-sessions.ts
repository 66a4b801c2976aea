import { readFile, readlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type ContainerProcess, endProcess } from "../proc/processes.ts";

/** How long a dump waits for killed processes. They end at once, unless they wait for a disk. */
const patienceMs = 1000;

/** The processes of a container: its own, and those that Docker started beside them. */
export interface ToldApart {
  own: ContainerProcess[];
  /** Processes of `docker exec` sessions and health checks. CRIU does not dump them. */
  sessions: ContainerProcess[];
}

/**
 * Separates a container's own processes from those of sessions. The first process of a session has a parent outside the container;
 * its other processes descend from that one.
 * @param first `hostPid` of the container's first process
 */
export async function tellApart(processes: ContainerProcess[], first: number): Promise<ToldApart> {
  const known = new Set(processes.map(({ hostPid }) => hostPid));
  const space = await pidNamespace(first);
  const roots = await Promise.all(
    processes.map(async ({ hostPid, parent }) => {
      if (hostPid === first || known.has(parent)) return [];
      const outside = await pidNamespace(parent);
      // A process whose parent cannot be examined counts as the container's own.
      return space && outside && space !== outside ? [hostPid] : [];
    }),
  );
  const sessions = below(processes, roots.flat());
  return { own: processes.filter((each) => !sessions.includes(each)), sessions };
}

/** The processes with these `hostPid`s, and all their descendants. */
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
 * Kills the sessions in a frozen container. The dump would fail if a session shared something with the container's own processes,
 * such as the connection of a unix socket. In a freezer of cgroup version 1 the killed processes end only after the thaw.
 * @returns the container's own processes
 */
export async function endExecSessions(processes: ContainerProcess[], first: number): Promise<ContainerProcess[]> {
  const { own, sessions } = await tellApart(processes, first);
  for (const { hostPid } of sessions) endProcess(hostPid);
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(1)) {
    if (!(await Promise.all(sessions.map(({ hostPid }) => isAlive(hostPid)))).includes(true)) break;
  }
  return own;
}

/** Undefined where the process does not exist. */
const pidNamespace = (pid: number) => readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);

/** A zombie counts as ended: it holds no resources any more. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") X");
  return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}
