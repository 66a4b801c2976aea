import type { Step } from "../../src/contract/operations.ts";
import type { Case } from "../cases.ts";
import type { Run, RunStep } from "../run.ts";
import type { BenchLab } from "./bench-lab.ts";
import { gapAfterMove, startProgram } from "./ticker.ts";
import { interfaceBytes } from "./usage.ts";

export type TimedStep = (name: string, side: Step["side"], work: () => Promise<unknown>) => Promise<void>;

/** Measures a move that consists of commands, one after another. The container stands still from the first to the last. */
export async function moveInSteps(
  lab: BenchLab,
  measured: Case,
  move: (step: TimedStep) => Promise<void>,
): Promise<Run> {
  await startProgram(lab, measured);
  const steps: RunStep[] = [];
  const before = await interfaceBytes(lab);
  const from = Date.now();
  await move(async (name, side, work) => {
    const begun = performance.now();
    await work();
    steps.push({ name, side, ms: performance.now() - begun, switchover: true });
  });
  const totalS = (Date.now() - from) / 1000;
  const sent = (await interfaceBytes(lab)) - before;
  const { gap } = await gapAfterMove(lab, from);
  return { downtimeMs: gap.ms, totalS, wireBytes: sent, interfaceBytes: sent, steps };
}
