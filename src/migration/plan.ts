import type { HostFacts } from "../contract/facts.ts";
import type { Mode, NoConvergence } from "../contract/migration.ts";
import { pipeCheck } from "./host-checks.ts";
import { bytes } from "./units.ts";

export type PlainMode = Exclude<Mode, "auto">;

/**
 * Up to so much memory crosses the link within the blink that every move costs (64 MiB at 250 MB/s, measured between two agents
 * on two cores). Then `auto` moves cold: nothing is left to fetch from the source after the switchover.
 */
export const coldBytes = 64 * 2 ** 20;

export interface ModeChoice {
  mode: PlainMode;
  /** Why this mode, one sentence. */
  because: string;
}

export interface ModeQuestion {
  asked: Mode;
  source: HostFacts;
  destination: HostFacts;
  /** Resident memory of the container. */
  memoryBytes: number;
}

export function choosePlan({ asked, source, destination, memoryBytes }: ModeQuestion): ModeChoice {
  if (asked !== "auto") return { mode: asked, because: `${nameOf[asked]} was asked for.` };
  if ([source, destination].every(({ criu }) => criu?.dirtyTracking)) {
    const why = "Both hosts track changed memory, so that it can be sent while the container runs";
    const eager = `; ${destination.name} has no userfaultfd, so that all of it is read in before the resume`;
    return { mode: "precopy", because: `${why}${destination.criu?.lazyPages ? "" : eager}.` };
  }
  if (memoryBytes <= coldBytes) {
    return { mode: "cold", because: `${bytes(memoryBytes)} of memory cross within the blink of the switchover.` };
  }
  if (canFollow(source, destination)) {
    return { mode: "postcopy", because: "Both hosts have userfaultfd, so that memory can follow after the resume." };
  }
  return {
    mode: "cold",
    because:
      "Neither pre-copy nor post-copy is possible between these hosts (dirty tracking, userfaultfd and the pipe size: see godwit doctor).",
  };
}

/** What pre-copy does in the end where no round helps: not what these hosts cannot do. */
export function possibleEnd(asked: NoConvergence, source: HostFacts, destination: HostFacts): NoConvergence {
  return asked === "postcopy" && !canFollow(source, destination) ? "switchover" : asked;
}

/** Whether memory can follow after the resume. */
function canFollow(...hosts: HostFacts[]): boolean {
  return hosts.every((host) => host.criu?.lazyPages && pipeCheck(host).level === "ok");
}

export const nameOf: Record<PlainMode, string> = { cold: "Cold", precopy: "Pre-copy", postcopy: "Post-copy" };
