import type { ContainerFacts, HostFacts } from "../../contract/facts.ts";
import type { Mode, NoConvergence, PlainMode } from "../../contract/migration.ts";
import { isPossible, type MigrationMode, modes, orderedModes } from "../modes.ts";

export interface ModeChoice {
  mode: PlainMode;
  /** Why this mode, one sentence. */
  because: string;
}

export interface ModeQuestion {
  asked: Mode;
  source: HostFacts;
  destination: HostFacts;
  container: Pick<ContainerFacts, "pinned">;
}

export function choosePlan({ asked, source, destination, container }: ModeQuestion): ModeChoice {
  const named = modeNamed(asked);
  if (named) return { mode: named.name, because: `You asked for ${named.title}.` };
  const untracked = isPossible(modes.precopy, source, destination) ? container.pinned[0] : undefined;
  const isChosen = (mode: MigrationMode) => isPossible(mode, source, destination) && !(mode.goesInRounds && untracked);
  const { name, because } = orderedModes.find(isChosen) ?? modes.cold;
  return { mode: name, because: untracked ? becauseOf(untracked) : because };
}

const becauseOf = ({ pid, command }: ContainerFacts["pinned"][number]) =>
  `Devices write into the memory of process ${pid} (${command}), which uses O_DIRECT, AIO or io_uring; that cannot be tracked.`;

/** What pre-copy does in the end where no round helps: never what these hosts cannot do. */
export function possibleEnd(asked: NoConvergence, source: HostFacts, destination: HostFacts): NoConvergence {
  const next = modeNamed(asked);
  return next && !isPossible(next, source, destination) ? "switchover" : asked;
}

/** Undefined where a word names no mode: `auto`, or the other ends of pre-copy. */
function modeNamed(word: Mode | NoConvergence): MigrationMode | undefined {
  return orderedModes.find(({ name }) => name === word);
}
