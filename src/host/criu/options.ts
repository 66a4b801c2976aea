import { isUnifiedHost } from "../cgroup/hierarchy.ts";

/**
 * Options of CRIU that runc has no flag for, as lines of a CRIU configuration file; CRIU finds it by CRIU_CONFIG_FILE.
 * Half-open connections are left out instead of failing the dump; deleted files that are still open travel up to 64 MiB; a name
 * that an open file has lost, where it has another one, is made again for the restore (every named semaphore of glibc is such a
 * file; link-remaps.ts says where that cannot be done); traffic is blocked by us where it matters (traffic-block.ts).
 */
export const dumpOptions = ["skip-in-flight", "ghost-limit 67108864", "link-remap", "network-lock skip"];

/**
 * @param cgroupPath the new container's cgroup: CRIU would make the old one's again, outside of Docker's limits and sight
 * @param endConnections all of them, those within the container as well: the program sees them closed instead of waiting for an
 * answer that never comes
 */
export function restoreOptions(cgroupPath: string, endConnections: boolean): string[] {
  // The hierarchy of version 2 has an empty name; others may be there beside it that are not Docker's.
  return [
    `cgroup-root ${isUnifiedHost() ? ":" : ""}${cgroupPath}`,
    "tcp-established",
    ...(endConnections ? ["tcp-close"] : []),
  ];
}
