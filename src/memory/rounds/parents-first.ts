import type { ContainerProcess } from "../../host/proc/processes.ts";

/** Ids of a process, of its host; `pid` is the one that the container sees, which names its memory. */
export type SentProcess = Pick<ContainerProcess, "hostPid" | "parent" | "pid">;

/** Every process after its parent: what they share by copy-on-write is sent with the parent. */
export function parentsFirst(processes: readonly SentProcess[]) {
  // Two with one id: one of them lives in a process id namespace of its own. CRIU refuses to dump that.
  if (new Set(processes.map(({ pid }) => pid)).size < processes.length)
    return processes.map((process) => ({ process, parent: undefined }));
  const byPid = new Map(processes.map((process) => [process.hostPid, process]));
  const ordered: { process: SentProcess; parent: SentProcess | undefined }[] = [];
  // Ids that were read while processes came and went may form a circle.
  const begun = new Set<SentProcess>();
  const add = (process: SentProcess) => {
    if (begun.has(process)) return;
    begun.add(process);
    const parent = byPid.get(process.parent);
    if (parent) add(parent);
    ordered.push({ process, parent });
  };
  for (const process of processes) add(process);
  return ordered;
}
