// Measures moves between two real Docker hosts, with godwit and with other tools, and the floor. CONTRIBUTING.md says how to run it.
// Results go to bench/results. A case that fails is reported, and the others go on. Ctrl-C takes the lab down.
import { cpus, release, totalmem } from "node:os";
import { takeDownDeadLabs } from "../scripts/dead-labs.ts";
import { labDown } from "../src/lab/lab.ts";
import { type Case, cases } from "./cases.ts";
import { Floors } from "./measure/floor.ts";
import { runGroup } from "./measure/group.ts";
import { buildPrograms } from "./measure/programs.ts";
import { estimateSeconds, groupByLab, type Options, readOptions, selectCases, usage } from "./options.ts";
import { ofMachine, withOutcome } from "./report/merge.ts";
import { readResults, writeResults } from "./report/store.ts";
import { duration } from "./report/words.ts";

const labName = `bench-${process.pid}`;
const stop = new AbortController();

try {
  const options = readOptions(process.argv.slice(2));
  const selected = selectCases(cases, options.only);
  if (options.help) say(usage);
  else if (options.list) list(selected, options);
  else await bench(selected, options);
} catch (error) {
  say(
    stop.signal.aborted ? "interrupted; the results of finished cases are kept" : `bench: ${(error as Error).message}`,
  );
  process.exitCode = 1;
}

function list(selected: Case[], { runs }: Options): void {
  const length = Math.max(...selected.map(({ name }) => name.length));
  for (const each of selected) {
    const time = duration(estimateSeconds([each], runs));
    say(`${each.name.padEnd(length)}  ${String(runs ?? each.runs).padStart(3)} runs  ${time.padStart(10)}`);
  }
  say(`${selected.length} cases, about ${duration(estimateSeconds(selected, runs))}`);
}

async function bench(selected: Case[], { runs }: Options): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  await takeDownDeadLabs("bench", (dead) => say(`taking down the lab ${dead}, which a killed run left behind`));
  say(`${selected.length} cases, about ${duration(estimateSeconds(selected, runs))}`);
  const names = cases.map(({ name }) => name);
  const failed: string[] = [];
  const built = await buildPrograms();
  const shared = { labName, built, floors: new Floors(), runs, signal: stop.signal, say };
  try {
    for (const group of groupByLab(selected)) {
      for await (const outcome of runGroup(group.lab, group.cases, shared)) {
        if (outcome.error !== null) failed.push(outcome.measured.name);
        writeResults(withOutcome(ofMachine(readResults(), machine()), outcome, names));
      }
    }
  } finally {
    await labDown(labName);
    built.remove();
  }
  say("the results are in bench/results: latest.md, latest.svg, latest.json, steps.json");
  if (failed.length > 0) throw new Error(`${failed.length} of ${selected.length} cases failed: ${failed.join(", ")}`);
}

function machine(): Record<string, string> {
  return {
    cores: `${cpus().length} of ${cpus()[0]?.model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release().split("-")[0] ?? "",
  };
}

function interrupt(): void {
  stop.abort(new Error("interrupted"));
  // This ends every command that runs in the lab, and so the wait for it.
  labDown(labName).catch(() => {});
}

function say(line: string): void {
  console.log(line);
}
