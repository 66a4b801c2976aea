import { parseArgs } from "node:util";
import { type Case, type LabName, labs } from "./cases.ts";

export interface Options {
  /** Names, or beginnings of names; empty: all. */
  only: string[];
  /** undefined: each case has its own number. */
  runs: number | undefined;
  list: boolean;
  help: boolean;
}

export const usage = `npm run bench -- [--only CASE,...] [--runs N] [--list]
  --only CASE,...  only these cases; a name that no case has selects all cases that begin with it
  --runs N         N counted runs of each case, instead of the number that --list shows
  --list           show the cases, their runs, and how long they take`;

/** @throws Error with a message for the user */
export function readOptions(argv: string[]): Options {
  const { values } = parseArgs({
    args: argv,
    options: {
      only: { type: "string", multiple: true, default: [] },
      runs: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const runs = values.runs === undefined ? undefined : Number(values.runs);
  if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) {
    throw new Error(`--runs takes a whole number above 0, not '${values.runs}'.`);
  }
  const only = values.only.flatMap((names) => names.split(",")).filter(Boolean);
  return { only, runs, list: values.list, help: values.help };
}

/**
 * Selects cases by name; they keep the order of the table. A name that no case has selects all cases that begin with it. No name
 * selects all cases. @throws Error for a name that selects nothing
 */
export function selectCases(all: readonly Case[], names: string[]): Case[] {
  if (names.length === 0) return [...all];
  const wanted = new Set(
    names.flatMap((name) => {
      const exact = all.filter((each) => each.name === name);
      const found = exact.length > 0 ? exact : all.filter((each) => each.name.startsWith(name));
      if (found.length === 0) throw new Error(`There is no case '${name}'. To see all cases: npm run bench -- --list`);
      return found;
    }),
  );
  return all.filter((each) => wanted.has(each));
}

/** Groups cases by the lab that measures them. The labs have the order in which they are brought up. */
export function groupByLab(selected: readonly Case[]): { lab: LabName; cases: Case[] }[] {
  return (Object.keys(labs) as LabName[])
    .map((lab) => ({ lab, cases: selected.filter((each) => each.lab === lab) }))
    .filter(({ cases }) => cases.length > 0);
}

/** About how many seconds the cases take, without the few seconds in which a lab starts. */
export function estimateSeconds(selected: readonly Case[], runs: number | undefined): number {
  return selected.reduce((sum, each) => sum + each.secondsPerRun * ((runs ?? each.runs) + (each.warmUp ? 1 : 0)), 0);
}
