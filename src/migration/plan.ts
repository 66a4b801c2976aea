import { GodwitError } from "../contract/errors.ts";
import type { HostFacts } from "../contract/facts.ts";
import type { Mode } from "../contract/migration.ts";

export type BuiltMode = Exclude<Mode, "auto">;

/** The modes that this version can carry out: the one place to change when another is built. */
export const builtModes: ReadonlySet<BuiltMode> = new Set<BuiltMode>(["cold", "postcopy"]);

/**
 * The modes that `auto` chooses among. Post-copy is not one of them yet: after its switchover the death of an agent takes the
 * container back to the instant of the switchover, and each page that is asked for passes through both agents.
 */
export const autoModes: ReadonlySet<BuiltMode> = new Set<BuiltMode>(["cold"]);

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

/** @throws usage for a mode that is not built */
export function choosePlan(
  asked: Mode,
  source: HostFacts,
  destination: HostFacts,
  built = builtModes,
  auto = autoModes,
): ModeChoice {
  assertBuilt(asked, built);
  if (asked !== "auto") return { mode: asked, because: `${nameOf[asked]} was asked for.` };
  const both = (has: (criu: NonNullable<HostFacts["criu"]>) => boolean) =>
    [source, destination].every(({ criu }) => criu !== null && has(criu));
  if (auto.has("precopy") && both((criu) => criu.dirtyTracking)) {
    return {
      mode: "precopy",
      because: "Both hosts track changed memory, so that it can be sent while the container runs.",
    };
  }
  if (auto.has("postcopy") && both((criu) => criu.lazyPages)) {
    return { mode: "postcopy", because: "Both hosts have userfaultfd, so that memory can follow after the resume." };
  }
  const why = ["precopy", "postcopy"].every((mode) => auto.has(mode as BuiltMode))
    ? "neither dirty tracking nor userfaultfd is there on both hosts"
    : "it is the mode that this version has for these hosts";
  const memory = destination.criu?.lazyPages
    ? "memory goes straight into the destination's memory and is read in after the resume"
    : "memory goes straight into the destination's memory and is read in before the resume, as userfaultfd is missing there";
  return { mode: "cold", because: `Cold: ${why}; ${memory}.` };
}

const nameOf: Record<BuiltMode, string> = { cold: "Cold", precopy: "Pre-copy", postcopy: "Post-copy" };
