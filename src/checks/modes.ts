import type { HostFacts } from "../contract/facts.ts";
import type { PlainMode } from "../contract/migration.ts";
import type { Check, OneHost } from "./check.ts";
import { dirtyTracking } from "./host/dirty-tracking.ts";
import { pipeSize } from "./host/pipe-size.ts";
import { userfaultfd } from "./host/userfaultfd.ts";

/** How the memory of a container goes to the destination, and what both hosts need for that. */
export interface MigrationMode {
  name: PlainMode;
  /** For people, within a sentence. */
  title: string;
  /**
   * Memory follows after the resume: CRIU's pages stay on the source until the destination fetches them. Otherwise they go to the
   * destination as they are dumped, and all of them are there before the resume.
   */
  followsAfterResume: boolean;
  /** Memory goes in rounds while the container runs, and what changed since the last round goes under the freeze. */
  goesInRounds: boolean;
  /** CRIU may write the images of shared memory into the source's memory. Pre-copy may end as post-copy, which does that. */
  holdsSharedMemory: boolean;
  /** What it needs of both hosts, beside what every migration needs. */
  needs: Need[];
  /** Why `auto` chooses it where both hosts have what it needs: one sentence. */
  because: (destination: HostFacts) => string;
}

interface Need {
  /** For people, within a sentence. */
  feature: string;
  check: Check<OneHost>;
}

export const modes: Record<PlainMode, MigrationMode> = {
  precopy: {
    ...{ name: "precopy", title: "pre-copy" },
    ...{ followsAfterResume: false, goesInRounds: true, holdsSharedMemory: true },
    needs: [{ feature: "dirty tracking", check: dirtyTracking }],
    because: ({ name, criu }) => {
      const eager = criu?.lazyPages ? "" : `; ${name} has no userfaultfd, so all memory is read before the resume`;
      return `Changes of memory can be tracked, so it can be sent while the container runs${eager}.`;
    },
  },
  postcopy: {
    ...{ name: "postcopy", title: "post-copy" },
    ...{ followsAfterResume: true, goesInRounds: false, holdsSharedMemory: true },
    needs: [
      { feature: "userfaultfd", check: userfaultfd },
      { feature: "large pipes", check: pipeSize },
    ],
    because: () => "Both hosts have userfaultfd, so memory can follow after the resume.",
  },
  cold: {
    ...{ name: "cold", title: "cold" },
    ...{ followsAfterResume: false, goesInRounds: false, holdsSharedMemory: false },
    needs: [],
    because: () =>
      "Neither pre-copy nor post-copy is possible between these hosts (dirty tracking, userfaultfd and the pipe size: see godwit doctor).",
  },
};

/** `auto` chooses the first one that is possible; the last one always is. */
export const orderedModes: readonly MigrationMode[] = [modes.precopy, modes.postcopy, modes.cold];

/** All memory goes under the freeze, so that the downtime grows with it. */
export function sendsAllFrozen({ followsAfterResume, goesInRounds }: MigrationMode): boolean {
  return !followsAfterResume && !goesInRounds;
}

/** Whether a host has all that a mode needs. */
export function hasAll(host: HostFacts, { needs, followsAfterResume: memoryFollows }: MigrationMode): boolean {
  return needs.every(({ check }) => check.run({ host, memoryFollows }).some(({ level }) => level === "ok"));
}

/** What hosts lack that a mode needs, with the names of the hosts. */
export function lacksOf(mode: MigrationMode, hosts: HostFacts[]): { feature: string; hosts: string[] }[] {
  return mode.needs.flatMap((need) => {
    const without = hosts.filter((host) => !hasAll(host, { ...mode, needs: [need] }));
    return without.length === 0 ? [] : [{ feature: need.feature, hosts: without.map(({ name }) => name) }];
  });
}
