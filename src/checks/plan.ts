import type { HostFacts } from "../contract/facts.ts";
import type { Mode, NoConvergence } from "../contract/migration.ts";
import { pipeCheck } from "./host-checks.ts";

export type PlainMode = Exclude<Mode, "auto">;

export interface ModeChoice {
  mode: PlainMode;
  /** Why this mode, one sentence. */
  because: string;
}

export interface ModeQuestion {
  asked: Mode;
  source: HostFacts;
  destination: HostFacts;
}

export function choosePlan({ asked, source, destination }: ModeQuestion): ModeChoice {
  if (asked !== "auto") return { mode: asked, because: `${nameOf[asked]} was asked for.` };
  if ([source, destination].every(({ criu }) => criu?.dirtyTracking)) {
    const why = "Both hosts track changed memory, so that it can be sent while the container runs";
    const eager = `; ${destination.name} has no userfaultfd, so that all of it is read in before the resume`;
    return { mode: "precopy", because: `${why}${destination.criu?.lazyPages ? "" : eager}.` };
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
