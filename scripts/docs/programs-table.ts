import { readFileSync } from "node:fs";
import { table } from "./markdown.ts";

/** Where the tests in test/programs record their results. */
export const toursFile = "test/results/programs.json";

/** A move in a tour: the mode that was asked for, and its downtime in ms or why it was refused. */
export type TourMove = { asked: string } & ({ downtimeMs: number } | { refused: string });

/** What came of a program that was moved to another host and back in every mode. */
export interface Tour {
  id: string;
  what: string;
  /** What was checked. */
  how: string;
  moves: TourMove[];
  /** Requests of its client that failed in all of these moves. */
  errors: number;
}

export const readTours = (): Tour[] => JSON.parse(readFileSync(new URL(`../../${toursFile}`, import.meta.url), "utf8"));

/** The table of docs/compatibility.md of the programs in test/programs. */
export function programsTable(tours = readTours()): string {
  const rows = tours.map(({ what, how, moves, errors }) => {
    const inMode = ["auto", "postcopy", "cold", "precopy"].map((mode) => {
      const ofMode = moves.filter(({ asked }) => asked === mode);
      const times = ofMode.flatMap((move) => ("downtimeMs" in move ? [move.downtimeMs] : []));
      const refused = ofMode.find((move) => "refused" in move);
      if (refused && "refused" in refused) return `refused: ${refused.refused}`;
      return `${Math.round(median(times))} ms`;
    });
    return [what, how, ...inMode, String(errors)];
  });
  return table(["what", "what is checked", "auto", "post-copy", "cold", "pre-copy", "errors"], rows);
}

function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}
