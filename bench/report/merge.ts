import type { Case } from "../cases.ts";
import type { Run } from "../run.ts";
import { type Details, type LabDetails, spreadSteps } from "./details.ts";
import { type Row, replaceRows } from "./rows.ts";

export interface Results {
  rows: Row[];
  details: Details;
}

/** The result of a case. */
export interface Outcome {
  measured: Case;
  runs: readonly Run[];
  /** Why some of its runs are missing; null if all were made. */
  error: string | null;
  measuredAt: Date;
  /** undefined if no lab came up for it. */
  lab: LabDetails | undefined;
}

/** The results if they were measured on this machine, else empty ones: results of two machines cannot be compared. */
export function ofMachine(results: Results, machine: Record<string, string>): Results {
  const same = JSON.stringify(results.details.machine) === JSON.stringify(machine);
  return same ? results : { rows: [], details: { machine, labs: {}, cases: {} } };
}

/** The results, with a new outcome of a case in place of its old one. `names` is the order of all cases. */
export function withOutcome({ rows, details }: Results, outcome: Outcome, names: readonly string[]): Results {
  const { measured, runs, error, lab } = outcome;
  const fresh = runs.map((run) => rowOf(measured, run));
  const ended = {
    measuredAt: outcome.measuredAt.toISOString(),
    error,
    steps: spreadSteps(runs.map(({ steps }) => steps)),
  };
  const known = details.labs[measured.lab];
  const labs = lab && { [measured.lab]: { ...lab, linkRates: { ...known?.linkRates, ...lab.linkRates } } };
  const cases = Object.entries({ ...details.cases, [measured.name]: ended });
  return {
    rows: replaceRows(rows, [measured.name], fresh, names),
    details: {
      ...details,
      labs: { ...details.labs, ...labs },
      cases: Object.fromEntries(cases.sort(([a], [b]) => names.indexOf(a) - names.indexOf(b))),
    },
  };
}

function rowOf({ name, memoryMiB, dirtyMBs, linkMbits, tool, mode }: Case, run: Run): Row {
  return {
    case: name,
    ...{ memoryMiB, dirtyMBs, linkMbits, tool, mode },
    downtimeMs: rounded(run.downtimeMs, 1),
    reportedMs: rounded(run.reportedMs, 1),
    totalS: rounded(run.totalS, 2),
    wireBytes: run.wireBytes ?? null,
    floorMs: rounded(run.floorMs, 1),
    agentCpuS: rounded(run.agentCpuS, 2),
    agentRssMiB: rounded(run.agentRssMiB, 1),
    interfaceBytes: run.interfaceBytes ?? null,
    childrenCpuS: rounded(run.childrenCpuS, 2),
    agentLoopMs: rounded(run.agentLoopMs, 1),
    helpersCpuS: rounded(run.helpersCpuS, 2),
    helpersRssMiB: rounded(run.helpersRssMiB, 1),
    endMode: run.endMode ?? null,
    slowDown: rounded(run.slowDown, 3),
    pssBeforeMiB: rounded(run.pssBeforeMiB, 1),
    pssAfterMiB: rounded(run.pssAfterMiB, 1),
  };
}

const rounded = (value: number | null | undefined, digits: number) =>
  value === undefined || value === null ? null : Number(value.toFixed(digits));
