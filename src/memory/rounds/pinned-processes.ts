import type { ContainerFacts } from "../../contract/facts.ts";
import { memoryPath } from "../../host/paths.ts";
import { containerProcesses } from "../../host/proc/processes.ts";
import type { RuncContainer } from "../../host/runtime/runc.ts";
import { MemorySender } from "./memory-sender.ts";

/** The processes of a container into whose memory devices may write. */
export async function pinnedProcesses({ id, cgroup }: RuncContainer): Promise<ContainerFacts["pinned"]> {
  await using sender = new MemorySender(memoryPath, id.slice(0, 12));
  const pinned: ContainerFacts["pinned"] = [];
  for (const { hostPid, pid, command } of await containerProcesses(cgroup))
    if (await sender.isPinned(hostPid)) pinned.push({ pid, command });
  return pinned;
}
