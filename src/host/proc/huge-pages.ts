import { readFile } from "node:fs/promises";
import { memoryPath } from "../paths.ts";
import { ifGone } from "./gone.ts";
import { pageBytes } from "./page-size.ts";
import { run } from "./process.ts";
import { type ContainerProcess, containerProcesses } from "./processes.ts";

/** A mapping of a process, by the process's id in its container; in pages. */
export interface HugeMapping {
  pid: number;
  first: number;
  count: number;
}

/** The mappings of a container's processes that have transparent huge pages. */
export async function hugeMappings(cgroup: string): Promise<HugeMapping[]> {
  const found = (await containerProcesses(cgroup)).map(async ({ hostPid, pid }) =>
    mappingsIn(await readFile(`/proc/${hostPid}/smaps`, "utf8").catch(ifGone(""))).map((mapping) => ({
      pid,
      ...mapping,
    })),
  );
  return (await Promise.all(found)).flat();
}

/** @param smaps the text of /proc/PID/smaps */
export function mappingsIn(smaps: string): Omit<HugeMapping, "pid">[] {
  const found: Omit<HugeMapping, "pid">[] = [];
  let [first, count] = [0, 0];
  for (const line of smaps.split("\n")) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [];
    if (from && to) {
      first = Number.parseInt(from, 16) / pageBytes;
      count = Number.parseInt(to, 16) / pageBytes - first;
    } else if (/^AnonHugePages: +[1-9]/.test(line)) found.push({ first, count });
  }
  return found;
}

/**
 * Puts pages of these mappings together to huge ones again, which takes some milliseconds for each 100 MiB. The processes run meanwhile.
 * What the kernel cannot put together stays as it is: kernels before 6.1 do nothing.
 * @returns how many huge pages were made
 */
export async function makeHuge(cgroup: string, mappings: readonly HugeMapping[]): Promise<number> {
  if (mappings.length === 0) return 0;
  const processes = new Map((await containerProcesses(cgroup)).map((process) => [process.pid, process]));
  const input = mappings.flatMap(({ pid, first, count }) => orderFor(processes.get(pid), first, count)).join("");
  return Number(await run(memoryPath, ["collapse"], { input }));
}

const orderFor = (process: ContainerProcess | undefined, first: number, count: number): string[] =>
  process ? [`${process.hostPid} ${first} ${count}\n`] : [];
