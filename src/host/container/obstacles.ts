import { readdir, readFile, readlink } from "node:fs/promises";
import type { ContainerFacts } from "../../contract/facts.ts";
import { bytes } from "../../contract/units.ts";
import { pageBytes } from "../proc/page-size.ts";
import type { ContainerProcess } from "../proc/processes.ts";

type Obstacle = ContainerFacts["obstacles"][number];
type Process = Pick<ContainerProcess, "pid" | "hostPid" | "command">;

/** Kinds of namespaces of which CRIU can dump only one for a container, and what gives a service of systemd one of its own. */
const namespaces: Record<string, string> = {
  uts: "ProtectHostname",
  ipc: "PrivateIPC",
  net: "PrivateNetwork",
  user: "PrivateUsers",
  cgroup: "ProtectControlGroups",
  pid: "PrivatePIDs",
};

/**
 * Why processes of a running container cannot be dumped or restored, however they are dumped.
 * @param memoryBytes the host's memory, where CRIU looks at each page of address space; undefined where it passes over what is not in use
 */
export async function obstaclesOf(processes: Process[], memoryBytes: number | undefined): Promise<Obstacle[]> {
  const first = processes[0];
  if (!first) return [];
  const own = await namespacesOf(first.hostPid);
  const found = processes.map(async (process) => {
    const [theirs, timers, threads, maps, status] = await Promise.all([
      namespacesOf(process.hostPid),
      readFile(`/proc/${process.hostPid}/timers`, "utf8"),
      readdir(`/proc/${process.hostPid}/task`),
      readFile(`/proc/${process.hostPid}/maps`, "utf8"),
      readFile(`/proc/${process.hostPid}/status`, "utf8"),
    ]);
    return [
      ...ownNamespaces(process, own, theirs),
      ...lostTimers(process, timers, threads),
      ...traced(process, status),
      ...secretMemory(process, maps),
      ...(memoryBytes === undefined ? [] : hugeMappings(process, maps, memoryBytes)),
    ];
  });
  // A process may have ended meanwhile.
  return (await Promise.all(found.map((one) => one.catch(() => [])))).flat();
}

async function namespacesOf(pid: number): Promise<Record<string, string>> {
  const links = Object.keys(namespaces).map(async (kind) => [kind, await readlink(`/proc/${pid}/ns/${kind}`)]);
  return Object.fromEntries(await Promise.all(links));
}

const named = ({ pid, command }: Process) => `process ${pid} (${command})`;

/** @param container the namespaces of the container's first process, by kind */
export function ownNamespaces(
  process: Process,
  container: Record<string, string>,
  its: Record<string, string>,
): Obstacle[] {
  const kinds = Object.keys(namespaces).filter((kind) => its[kind] !== container[kind]);
  if (kinds.length === 0) return [];
  const settings = kinds.map((kind) => namespaces[kind]).join(", ");
  return [
    {
      message: `${named(process)} runs in a namespace of its own (${kinds.join(", ")}), which CRIU cannot dump`,
      remedy: `run it in the container's own; of a service of systemd, turn off ${settings}`,
    },
  ];
}

/** @param timers `/proc/PID/timers`. CRIU cannot make a timer again that signals a thread that has ended. */
export function lostTimers(process: Process, timers: string, threads: string[]): Obstacle[] {
  const targets = [...timers.matchAll(/^notify: signal\/tid\.(\d+)$/gm)].map(([, id]) => id);
  if (targets.every((id) => threads.includes(id ?? ""))) return [];
  return [
    {
      message: `${named(process)} has a timer that signals a thread that has ended, which CRIU cannot restore`,
      remedy: "let the program delete the timer, or restart it",
    },
  ];
}

/** @param status `/proc/PID/status` */
export function traced(process: Process, status: string): Obstacle[] {
  if (!/^TracerPid:\s+[1-9]/m.test(status)) return [];
  return [
    {
      message: `${named(process)} is traced by a debugger, such as strace or gdb, and only one program can trace it`,
      remedy: "end the debugger",
    },
  ];
}

/** @param maps `/proc/PID/maps` */
export function secretMemory(process: Process, maps: string): Obstacle[] {
  if (!/ \/secretmem \(deleted\)$/m.test(maps)) return [];
  return [
    {
      message: `${named(process)} has secret memory (memfd_secret), which CRIU cannot dump`,
      remedy: "run the program without it",
    },
  ];
}

/** CRIU holds so much in its own memory for each page of the largest private mapping, whether it is in use or not. */
const bytesAPage = 16;

/**
 * A mapping for which CRIU would need more memory than a quarter of the host's. It would look at each of its pages under the freeze, for
 * minutes.
 * @param maps `/proc/PID/maps`
 */
export function hugeMappings(process: Process, maps: string, memoryBytes: number): Obstacle[] {
  const largest = maps.split("\n").reduce((most, line) => Math.max(most, sizeOfPrivate(line)), 0);
  if ((largest / pageBytes) * bytesAPage <= memoryBytes / 4) return [];
  return [
    {
      message: `${named(process)} has mapped ${bytes(largest)} at once, and CRIU would look at each page of it under the freeze`,
      remedy: "let the program map less; for MariaDB set innodb_buffer_pool_size_max to innodb_buffer_pool_size",
    },
  ];
}

function sizeOfPrivate(line: string): number {
  const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) ...p /.exec(line) ?? [];
  return from && to ? Number.parseInt(to, 16) - Number.parseInt(from, 16) : 0;
}
