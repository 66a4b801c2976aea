import { labDown } from "../../src/lab/lab.ts";
import type { Case, LabName } from "../cases.ts";
import type { Outcome } from "../report/merge.ts";
import { caseWords, runWords } from "../report/words.ts";
import type { Run } from "../run.ts";
import type { Floors } from "./floor.ts";
import type { Built } from "./programs.ts";
import { Session } from "./session.ts";

export interface Bench {
  labName: string;
  built: Built;
  floors: Floors;
  /** From `--runs`; undefined: each case has its own number. */
  runs: number | undefined;
  signal: AbortSignal;
  say: (line: string) => void;
}

/**
 * Measures cases in one lab, which stays up for all of them. After a failure a new lab replaces it. Yields the outcome of each case as
 * soon as the case has ended.
 */
export async function* runGroup(lab: LabName, cases: readonly Case[], bench: Bench): AsyncGenerator<Outcome> {
  const { labName, built, floors, signal, say } = bench;
  let session: Session | undefined;
  for (const measured of cases) {
    const runs: Run[] = [];
    let error: string | null = null;
    try {
      session ??= await Session.open(lab, labName, built, floors, say);
      await session.prepare(measured);
      await runCase(session, measured, runs, bench);
    } catch (caught) {
      signal.throwIfAborted();
      error = (caught as Error).message;
    }
    say(`${measured.name}: ${error === null ? caseWords(runs) : `FAILED: ${error}`}`);
    yield { measured, runs, error, measuredAt: new Date(), lab: session?.details };
    if (error === null) continue;
    await labDown(labName);
    session = undefined;
  }
  await labDown(labName);
}

async function runCase(session: Session, measured: Case, done: Run[], bench: Bench): Promise<void> {
  const { signal, say } = bench;
  const wanted = bench.runs ?? measured.runs;
  if (measured.warmUp) await session.run(measured, 0, signal);
  while (done.length < wanted) {
    signal.throwIfAborted();
    const run = await session.run(measured, done.length, signal);
    done.push(run);
    say(`${measured.name} ${done.length}/${wanted}: ${runWords(run)}`);
  }
}
