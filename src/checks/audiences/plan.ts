import type { HostFacts } from "../../contract/facts.ts";
import type { Mode, NoConvergence, PlainMode } from "../../contract/migration.ts";
import { hasAll, type MigrationMode, modes, orderedModes } from "../modes.ts";

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
  const named = modeNamed(asked);
  if (named) return { mode: named.name, because: `You asked for ${named.title}.` };
  const { name, because } = orderedModes.find((mode) => isPossible(mode, source, destination)) ?? modes.cold;
  return { mode: name, because: because(destination) };
}

/** What pre-copy does in the end where no round helps: never what these hosts cannot do. */
export function possibleEnd(asked: NoConvergence, source: HostFacts, destination: HostFacts): NoConvergence {
  const next = modeNamed(asked);
  return next && !isPossible(next, source, destination) ? "switchover" : asked;
}

/** Undefined where a word names no mode: `auto`, or the other ends of pre-copy. */
function modeNamed(word: Mode | NoConvergence): MigrationMode | undefined {
  return orderedModes.find(({ name }) => name === word);
}

function isPossible(mode: MigrationMode, source: HostFacts, destination: HostFacts): boolean {
  return hasAll(source, mode) && hasAll(destination, mode);
}
