import type { RunStep } from "../run.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** What stands beside the rows, in steps.json: where the time went, what failed, and on what it was measured. */
export interface Details {
  machine: Record<string, string>;
  /** By lab: versions, and what its agents take while nothing moves. */
  labs: Record<string, LabDetails>;
  cases: Record<string, CaseDetails>;
}

export interface LabDetails {
  versions: string;
  /** Resident memory of an agent that has moved nothing yet. */
  idleAgentMiB: number;
  /** What bare TCP carried between the hosts, in 10^6 bits a second, by the limit of the link. */
  linkRates: Record<string, number>;
}

export interface CaseDetails {
  measuredAt: string;
  /** Why not all of its runs were made; null where they were. */
  error: string | null;
  steps: StepSpread[];
}

export interface StepSpread {
  name: string;
  side: string;
  /** Whether the container stood still meanwhile. */
  switchover: boolean;
  ms: Spread;
}

/** The steps of several runs, in the order of the first one that has them. A step that a run has twice counts with its sum. */
export function spreadSteps(runs: readonly (readonly RunStep[] | undefined)[]): StepSpread[] {
  const found = new Map<string, Omit<StepSpread, "ms"> & { values: number[] }>();
  for (const steps of runs) {
    const sums = new Map<string, number>();
    for (const { name, side, switchover, ms } of steps ?? []) {
      const key = `${side} ${name} ${switchover}`;
      if (!found.has(key)) found.set(key, { name, side, switchover, values: [] });
      sums.set(key, (sums.get(key) ?? 0) + ms);
    }
    for (const [key, sum] of sums) found.get(key)?.values.push(sum);
  }
  return [...found.values()].flatMap(({ values, ...step }) => {
    const ms = spreadOf(values);
    return ms ? [{ ...step, ms }] : [];
  });
}
