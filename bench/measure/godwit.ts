import { join } from "node:path";
import { execa } from "execa";
import type { MigrationResult } from "../../src/contract/migration.ts";
import type { Step } from "../../src/contract/operations.ts";
import type { AgentUsage } from "../../src/contract/routes.ts";
import { checkoutDir } from "../../src/lab/paths.ts";
import type { Case } from "../cases.ts";
import type { Run, RunStep } from "../run.ts";
import type { BenchLab } from "./bench-lab.ts";
import { checkClients } from "./postgres.ts";
import { roundsWithin, slowDown } from "./slow-down.ts";
import { container, gapAfterMove, startProgram } from "./ticker.ts";
import { proportionalMiB, startUsage } from "./usage.ts";

const command = join(checkoutDir(), "bin/godwit");
/** A move that takes longer than this hangs. */
const limitSeconds = (measured: Case) => Math.round(120 + 20 * measured.secondsPerRun);

/** Moves a fresh container from h1 to h2, as a user would: by the command line. */
export async function runGodwit(lab: BenchLab, measured: Case, signal: AbortSignal): Promise<Run> {
  await startProgram(lab, measured);
  const pssBeforeMiB = await pssIfShared(lab, "h1", measured);
  // This question resets the agents' counters.
  await longestBlockMs(lab);
  const usage = await startUsage(lab);
  const from = Date.now();
  const result = await migrate(lab, measured, signal);
  const totalS = (Date.now() - from) / 1000;
  const used = await usage();
  const agentLoopMs = await longestBlockMs(lab);
  const { gap, log } = await gapAfterMove(lab, from);
  if (measured.isPostgres) await checkClients(lab);
  const { downtimeMs: reportedMs, wireBytes, mode: endMode } = result;
  const rounds = roundsWithin(result.steps, gap);
  return {
    ...{ downtimeMs: gap.ms, reportedMs, totalS, wireBytes, ...used, agentLoopMs, endMode },
    slowDown: (rounds && slowDown(log, from, rounds)) ?? null,
    pssBeforeMiB,
    pssAfterMiB: await pssIfShared(lab, "h2", measured),
    steps: stepsOf(result),
  };
}

const pssIfShared = async (lab: BenchLab, host: string, { memory }: Case): Promise<number | null> =>
  memory === "forked" ? proportionalMiB(lab, host) : null;

/** godwit's own steps, and the times that CRIU reports for its parts of them. */
function stepsOf({ steps, criu }: MigrationResult): RunStep[] {
  const times = (name: string, side: Step["side"], stats: object | null) =>
    Object.entries(stats ?? {})
      .filter(([field]) => field.endsWith("Ms"))
      .map(([field, ms]) => ({ name: `CRIU ${name}: ${field}`, side, ms: Number(ms), switchover: true }));
  return [...steps, ...times("dump", "source", criu.dump), ...times("restore", "destination", criu.restore)];
}

/** The longest time that an agent's event loop was blocked since the last call; null if an agent does not report it. */
async function longestBlockMs(lab: BenchLab): Promise<number | null> {
  const { stdout } = await execa(command, ["--lab", lab.name, "--json", "hosts"], { stdin: "ignore" });
  const blocks = (JSON.parse(stdout) as { usage: AgentUsage | null }[]).map(({ usage }) => usage?.longestBlockMs);
  return blocks.every((ms) => ms !== undefined) ? Math.max(...blocks) : null;
}

async function migrate(lab: BenchLab, measured: Case, signal: AbortSignal): Promise<MigrationResult> {
  const options = ["--mode", measured.mode, ...(measured.options?.split(" ") ?? [])];
  const args = ["--lab", lab.name, "--json", "migrate", `h1/${container}`, "h2", ...options];
  const limit = limitSeconds(measured);
  const { exitCode, stdout, timedOut } = await execa(command, args, {
    reject: false,
    stdin: "ignore",
    timeout: limit * 1000,
    cancelSignal: signal,
  });
  if (timedOut) throw new Error(`godwit migrate did not end within ${limit} s.`);
  const last = JSON.parse(stdout.trim().split("\n").at(-1) || "null") as
    | (MigrationResult & { error?: { code: string; message: string } })
    | null;
  if (exitCode === 0 && last && !last.error) return last;
  throw new Error(
    `godwit migrate: ${last?.error ? `${last.error.code}: ${last.error.message}` : `status ${exitCode}`}`,
  );
}
