import { GodwitError } from "../contract/errors.ts";
import type { HostFacts } from "../contract/facts.ts";
import type { Mode } from "../contract/migration.ts";
import { pipeCheck } from "./host-checks.ts";
import { bytes } from "./units.ts";

export type BuiltMode = Exclude<Mode, "auto">;

/** The modes that this version can carry out: the one place to change when another is built. */
export const builtModes: ReadonlySet<BuiltMode> = new Set<BuiltMode>(["cold", "postcopy"]);

/**
 * Up to so much memory crosses the link within the blink that every move costs (64 MiB at 250 MB/s, measured between two agents
 * on two cores). Then `auto` moves cold: nothing is left to fetch from the source after the switchover.
 */
export const coldBytes = 64 * 2 ** 20;

export interface ModeChoice {
  mode: BuiltMode;
  /** Why this mode, one sentence. */
  because: string;
}

/** @throws usage for a mode that is not built */
export function assertBuilt(asked: Mode, built = builtModes): void {
  if (asked === "auto" || built.has(asked)) return;
  throw new GodwitError("usage", `The mode ${asked} is not built yet in this version of godwit.`, {
    hint: `Use --mode auto, or one of: ${[...built].join(", ")}.`,
  });
}

export interface ModeQuestion {
  asked: Mode;
  source: HostFacts;
  destination: HostFacts;
  /** Resident memory of the container. */
  memoryBytes: number;
}

/** @throws usage for a mode that is not built */
export function choosePlan({ asked, source, destination, memoryBytes }: ModeQuestion, built = builtModes): ModeChoice {
  assertBuilt(asked, built);
  if (asked !== "auto") return { mode: asked, because: `${nameOf[asked]} was asked for.` };
  const both = (has: (host: HostFacts) => boolean | undefined) => [source, destination].every(has);
  if (built.has("precopy") && both(({ criu }) => criu?.dirtyTracking)) {
    return {
      mode: "precopy",
      because: "Both hosts track changed memory, so that it can be sent while the container runs.",
    };
  }
  if (memoryBytes <= coldBytes) {
    return { mode: "cold", because: `${bytes(memoryBytes)} of memory cross within the blink of the switchover.` };
  }
  const canFollow = both((host) => host.criu?.lazyPages && pipeCheck(host).level === "ok");
  if (built.has("postcopy") && canFollow) {
    return { mode: "postcopy", because: "Both hosts have userfaultfd, so that memory can follow after the resume." };
  }
  return {
    mode: "cold",
    because: "Post-copy is not possible between these hosts (userfaultfd and the pipe size: see godwit doctor).",
  };
}

const nameOf: Record<BuiltMode, string> = { cold: "Cold", precopy: "Pre-copy", postcopy: "Post-copy" };
