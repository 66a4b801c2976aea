import type { Step } from "../../src/contract/operations.ts";
import type { Gap } from "./ticker.ts";

/** Two instants, in ms since 1970. */
export interface Span {
  from: number;
  to: number;
}

/**
 * When the rounds of a move were, from its steps, whose clock begins with the move: the program's pause begins with the freeze.
 * undefined if memory did not go in rounds.
 */
export function roundsWithin(steps: readonly Step[], gap: Gap): Span | undefined {
  const onSource = steps.filter(({ side }) => side === "source");
  const rounds = onSource.filter(({ name }) => /^memory round \d+$|^last rounds$/.test(name));
  const freeze = onSource.find(({ name }) => name === "freeze");
  if (!freeze || rounds.length === 0) return undefined;
  const begun = gap.endedAt - gap.ms - freeze.at;
  return {
    from: begun + Math.min(...rounds.map(({ at }) => at)),
    to: begun + Math.max(...rounds.map(({ at, ms }) => at + ms)),
  };
}

/**
 * By how much fewer pages the program wrote in a second of the rounds than in one before the move, which began at `moveAt`.
 * undefined if its log does not tell.
 */
export function slowDown(log: string, moveAt: number, rounds: Span): number | undefined {
  const told = [...log.matchAll(/^wrote (\d+) ([\d.]+)$/gm)].map(([, pages, time]) => ({
    pages: Number(pages),
    at: Number(time) * 1000,
  }));
  const rate = ({ from, to }: Span) => {
    const within = told.filter(({ at }) => at >= from && at <= to);
    const [first, last] = [within[0], within.at(-1)];
    return first && last && last.at > first.at ? (last.pages - first.pages) / (last.at - first.at) : undefined;
  };
  const [before, during] = [rate({ from: 0, to: moveAt }), rate(rounds)];
  return before && during !== undefined ? 1 - during / before : undefined;
}
