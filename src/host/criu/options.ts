import { isUnifiedHost } from "../cgroup/hierarchy.ts";

/**
 * Options of CRIU for every dump, as lines of a CRIU configuration file (CRIU_CONFIG_FILE):
 * - Connections that are not accepted yet are left out; otherwise they make the dump fail.
 * - A deleted file that is still open is dumped if it has at most 64 MiB.
 * - If an open file has lost the name it was opened by, but has another one, CRIU links it again for the restore. Every named
 *   semaphore of glibc is such a file. See link-remaps.ts for the files for which that fails.
 * - CRIU does not block traffic; traffic-block.ts does.
 */
export const dumpOptions = ["skip-in-flight", "ghost-limit 67108864", "link-remap", "network-lock skip"];

/**
 * Options of CRIU for a restore, as lines of its configuration file.
 * @param cgroupPath the new container's cgroup. Without it CRIU makes the old cgroup again, which Docker neither limits nor shows.
 * @param endConnections close all TCP connections, also those within the container. A program then sees a closed connection; otherwise
 * it waits for an answer that never comes.
 */
export function restoreOptions(cgroupPath: string, endConnections: boolean): string[] {
  // The hierarchy of version 2 has an empty name. The host may have other hierarchies, which Docker does not use.
  return [
    `cgroup-root ${isUnifiedHost() ? ":" : ""}${cgroupPath}`,
    "tcp-established",
    ...(endConnections ? ["tcp-close"] : []),
  ];
}
