import { parseArgs } from "node:util";
import { type Case, type LabName, labs } from "./cases.ts";

export interface Options {
  /** Names, or beginnings of names; empty: all. */
  only: string[];
  /** Where it is not given, each case has its own number. */
  runs: number | undefined;
  list: boolean;
  help: boolean;
}

export const usage = `npm run bench -- [--only CASE,...] [--runs N] [--list]
  --only CASE,...  only the cases of these names; a name that no case has stands for all that begin with it
  --runs N         so many counted runs of each case, instead of what --list shows
  --list           show the cases, and what they take`;

/** @throws Error, in words for the user */
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
    throw new Error(`--runs takes a whole number above 0, and not '${values.runs}'.`);
  }
  const only = values.only.flatMap((names) => names.split(",")).filter(Boolean);
  return { only, runs, list: values.list, help: values.help };
}

/**
 * The cases of these names, in the order of the table. A name is that of one case or, where no case has it, the beginning of some.
 * @throws Error for a name that fits nothing
 */
export function selectCases(all: readonly Case[], names: string[]): Case[] {
  if (names.length === 0) return [...all];
  const wanted = new Set(
    names.flatMap((name) => {
      const exact = all.filter((each) => each.name === name);
      const found = exact.length > 0 ? exact : all.filter((each) => each.name.startsWith(name));
      if (found.length === 0)
        throw new Error(`There is no case '${name}'. Those that there are: npm run bench -- --list`);
      return found;
    }),
  );
  return all.filter((each) => wanted.has(each));
}

/** By the lab that they are measured in, in the order in which labs are brought up. */
export function groupByLab(selected: readonly Case[]): { lab: LabName; cases: Case[] }[] {
  return (Object.keys(labs) as LabName[])
    .map((lab) => ({ lab, cases: selected.filter((each) => each.lab === lab) }))
    .filter(({ cases }) => cases.length > 0);
}

/** What the cases take, about, in seconds; a lab is up in some seconds. */
export function estimateSeconds(selected: readonly Case[], runs: number | undefined): number {
  return selected.reduce((sum, each) => sum + each.secondsPerRun * ((runs ?? each.runs) + (each.warmUp ? 1 : 0)), 0);
}
