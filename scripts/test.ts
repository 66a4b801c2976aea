// Runs every check of this checkout and ends with one plain line: "N passed, N failed". `--quick` leaves the end-to-end tests out,
// `--vm` adds those in virtual machines, `--full` adds these and all long tests (test/e2e/support/full-run.ts).
// A lint, type or layer check counts as one test. Exit status 1 if anything failed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Count, countTests, type VitestReport } from "./count-tests.ts";
import { takeDownDeadLabs } from "./dead-labs.ts";
import { slowTests } from "./slow-tests.ts";

const whatFullAdds =
  "'npm run test:full' adds the long tests: five moves in a row of each program, with more data (docs/compatibility.md is made from " +
  "them); more agents that fail, at more moments; moves between hosts with the same Docker; and all tests in virtual machines.";
const quick = process.argv.includes("--quick");
const full = process.argv.includes("--full");
const vm = full || process.argv.includes("--vm");
const scratch = mkdtempSync(join(tmpdir(), "godwit-test-"));
const total: Count = { passed: 0, failed: 0, skipped: 0 };
/** The reports of the tests that run in a lab. */
const reports: VitestReport[] = [];
const running = new Set<ChildProcess>();
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // The running steps end first. Then the labs that they left are taken down.
  process.on(signal, () => {
    interrupted = true;
    for (const child of running) child.kill(signal);
  });
}

try {
  const types = ["tsc", "--incremental", "--tsBuildInfoFile", "node_modules/.cache/types.tsbuildinfo"];
  await Promise.all([
    (async () => {
      await check("lint", ["biome", "check", "--error-on-warnings", "--colors=off", "."]);
      await check("layers", [
        "depcruise",
        "--config",
        ".dependency-cruiser.cjs",
        "src",
        "test",
        "testing",
        "scripts",
        "bench",
      ]);
      await check("types", [...types, "--pretty", "false"]);
    })(),
    tests(["unit"], { quiet: true }),
  ]);
  if (!quick && !interrupted) {
    const found = (lab: string) => say(`taking down the lab ${lab}, which a killed run left behind`);
    const takeDown = async () => {
      for (const prefix of ["test", "e2e"]) await takeDownDeadLabs(prefix, found);
    };
    await takeDown();
    await tests(["e2e", "e2e-alone"], { quiet: false });
    if (vm && !interrupted) await tests(["vm"], { quiet: false });
    await takeDown();
  }
} finally {
  rmSync(scratch, { recursive: true });
}
if (reports.length > 0) for (const line of slowTests(reports, process.cwd())) say(line);
if (!quick && !full) say(whatFullAdds);
if (interrupted) say("interrupted");
if (total.skipped > 0) say(`${total.skipped} skipped`);
say(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 || interrupted ? 1 : 0;

async function check(name: string, command: string[]): Promise<void> {
  if (interrupted) return;
  const begun = performance.now();
  const { status, output } = await run(command, { quiet: true });
  if (status === 0) total.passed += 1;
  else total.failed += 1;
  report(name, status === 0 ? "ok" : "failed", begun, status === 0 ? "" : output);
}

async function tests(projects: string[], { quiet }: { quiet: boolean }): Promise<void> {
  const begun = performance.now();
  const file = join(scratch, `${projects[0]}.json`);
  if (!quiet) say(`${projects.join(" and ")}: real containers on the hosts of a lab, some minutes`);
  const reporters = [`--reporter=${quiet ? "default" : "verbose"}`, "--reporter=json", `--outputFile.json=${file}`];
  const chosen = projects.map((name) => `--project=${name}`);
  const { status, output } = await run(["vitest", "run", ...chosen, ...reporters], { quiet });
  const found: VitestReport | undefined = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  if (found && !quiet) reports.push(found);
  const count = countTests(found, status);
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
  const result = `${count.passed} passed, ${count.failed} failed`;
  report(projects.join(" and "), result, begun, count.failed > 0 ? output : "");
}

function report(name: string, result: string, begun: number, output: string): void {
  say(`${name}: ${result} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  if (output.trim() !== "") say(output.trimEnd());
}

/** Runs a tool of node_modules to its end. With `quiet` its output is returned, otherwise it is shown. */
async function run([tool = "", ...args]: string[], { quiet }: { quiet: boolean }) {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    NO_COLOR: "1",
    CI: "true",
    ...(full ? { GODWIT_TEST_FULL: "1" } : {}),
  };
  delete env.FORCE_COLOR;
  // The pinned Node runs the tool, without a shell or npx, so signals reach it.
  const child = spawn(process.execPath, [join("node_modules/.bin", tool), ...args], {
    env,
    stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
  });
  running.add(child);
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => output.push(data));
  const [code] = await once(child, "close");
  running.delete(child);
  return { status: (code as number | null) ?? 1, output: Buffer.concat(output).toString() };
}

function say(line: string): void {
  console.log(line);
}
