import type { RunStep } from "../run.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** The contents of steps.json: the steps and the failure of each case, and the machine and the labs of the measurements. */
export interface Details {
  machine: Record<string, string>;
  /** By the name of the lab. */
  labs: Record<string, LabDetails>;
  cases: Record<string, CaseDetails>;
}

export interface LabDetails {
  versions: string;
  /** Resident memory of an agent that has moved nothing yet: the larger one of the two agents. */
  idleAgentMiB: number;
  /** What bare TCP carried between the hosts, in 10^6 bits a second, by the limit of the link. */
  linkRates: Record<string, number>;
}

export interface CaseDetails {
  measuredAt: string;
  /** Why some of its runs are missing; null if all were made. */
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

/** Merges the steps of several runs, in the order in which they first appear. A step that a run has twice counts once, with its sum. */
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
