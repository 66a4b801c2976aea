import type { HostFacts } from "../contract/facts.ts";
import type { PlainMode } from "../contract/migration.ts";
import type { Check, OneHost } from "./check.ts";
import { dirtyTracking, followsPages, sharesApart } from "./host/dirty-tracking.ts";
import { pipeSize } from "./host/pipe-size.ts";
import { userfaultfd } from "./host/userfaultfd.ts";

/** How the memory of a container goes to the destination, and what both hosts need for that. */
export interface MigrationMode {
  name: PlainMode;
  /** For people, within a sentence. */
  title: string;
  /** Memory stays on the source until the destination fetches it after the resume. Otherwise all of it is there before the resume. */
  followsAfterResume: boolean;
  /** Memory goes in rounds while the container runs, and what changed since the last round goes under the freeze. */
  goesInRounds: boolean;
  /** What it needs of both hosts, beside what every migration needs. */
  needs: Need[];
  /** Why `auto` chooses it where both hosts have what it needs: one sentence. */
  because: string;
}

interface Need {
  /** For people, within a sentence. */
  feature: string;
  check: Check<OneHost>;
  /** The destination does not need it. */
  isOfSource?: boolean;
}

/** Of hosts between which CRIU leaves memory out: see `leavesMemoryOut`. */
const leavingOut: Need[] = [
  { feature: "userfaultfd", check: userfaultfd },
  { feature: "large pipes", check: pipeSize },
];

export const modes: Record<PlainMode, MigrationMode> = {
  precopy: {
    ...{ name: "precopy", title: "pre-copy" },
    ...{ followsAfterResume: false, goesInRounds: true },
    needs: [{ feature: "dirty tracking", check: dirtyTracking, isOfSource: true }, ...leavingOut],
    because: "Changes of memory can be tracked, so it can be sent while the container runs.",
  },
  postcopy: {
    ...{ name: "postcopy", title: "post-copy" },
    ...{ followsAfterResume: true, goesInRounds: false },
    needs: leavingOut,
    because: "Both hosts have userfaultfd, so memory can follow after the resume.",
  },
  cold: {
    ...{ name: "cold", title: "cold" },
    ...{ followsAfterResume: false, goesInRounds: false },
    needs: [],
    because:
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

/** Whether a mode is possible from one host to another. */
export function isPossible(mode: MigrationMode, source: HostFacts, destination: HostFacts): boolean {
  const needs = mode.needs.filter(({ isOfSource }) => !isOfSource);
  return hasAll(source, mode) && hasAll(destination, { ...mode, needs });
}

/**
 * Whether CRIU dumps and restores private memory without its contents between two hosts, and godwit sends it. Otherwise all memory goes
 * in CRIU's images.
 */
export const leavesMemoryOut = (source: HostFacts, destination: HostFacts): boolean =>
  isPossible(modes.postcopy, source, destination);

/** Fewer bytes that are copied are not worth a round of their own. */
export const leastCopied = 8 * 2 ** 20;

/**
 * Whether a container's processes share by copy-on-write after a move what they share before: rounds bring such a page once, and the
 * restore puts it into the parent.
 */
export const keepsSharing = (source: HostFacts, destination: HostFacts, { copiedBytes }: { copiedBytes: number }) =>
  copiedBytes >= leastCopied &&
  sharesApart(destination) &&
  followsPages(source) &&
  leavesMemoryOut(source, destination);

/** What hosts lack that a mode needs, with the names of the hosts. */
export function lacksOf(mode: MigrationMode, hosts: HostFacts[]): { feature: string; hosts: string[] }[] {
  return mode.needs.flatMap((need) => {
    const without = hosts.filter((host) => !hasAll(host, { ...mode, needs: [need] }));
    return without.length === 0 ? [] : [{ feature: need.feature, hosts: without.map(({ name }) => name) }];
  });
}
