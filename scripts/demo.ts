// Moves a counting container between two real Docker hosts, by the commands that a user would type, and checks its log: every
// number once, in order, before and after. Takes its lab down at the end, also after Ctrl-C and after a failure.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { labDown } from "../src/lab/lab.ts";
import { readCountedLog } from "./counted-log.ts";
import { takeDownDeadLabs } from "./dead-labs.ts";

const lab = `demo-${process.pid}`;
const program = "i=0; while true; do echo $i; i=$(expr $i + 1); sleep 0.2; done";
const stop = new AbortController();
let child: ChildProcess | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupt(signal));
process.stdout.on("error", () => interrupt("SIGTERM"));
const begun = performance.now();

try {
  await demo();
} catch (error) {
  process.exitCode = 1;
  say(stop.signal.aborted ? "\n# Interrupted." : `\n# The demo failed: ${(error as Error).message}`);
} finally {
  say("\n# The lab goes down; nothing of it stays but the cached roots.");
  await labDown(lab);
  if (process.exitCode === undefined) {
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    say(`# It took ${seconds} s. To try more: npx godwit lab up, then npx godwit --help`);
  }
}

async function demo(): Promise<void> {
  await takeDownDeadLabs("demo", (dead) => say(`# Taking down ${dead}, which a killed demo left behind.`));
  say("# Two hosts, each with its own Docker and a godwit agent: h1 with Docker 26, h2 with Docker 28.");
  say("# Only the first time, their roots are built from Debian packages: up to a minute each.");
  await must(["lab", "up", "--name", lab, "--release", "trixie,forky"]);
  await must(["lab", "image", "--name", lab, "h1", "busybox"]);

  say("\n# A container that counts runs on h1.");
  await must([
    "lab",
    "exec",
    "--name",
    lab,
    "h1",
    "--",
    "docker",
    "run",
    "-d",
    "--pull",
    "never",
    ...["--name", "looper"],
    "busybox",
    "sh",
    "-c",
    program,
  ]);
  await showLog("h1", "all");

  say("\n# Now it moves, with its processes, memory, files and log.");
  await must(["--lab", lab, "migrate", "h1/looper", "h2"]);

  say("\n# Its log goes on, on h2.");
  await showLog("h2", "15");

  let log = "";
  await godwit(["lab", "exec", "--name", lab, "h2", "--", "docker", "logs", "--timestamps", "looper"], (text) => {
    log += text;
  });
  const { numbers, problem, pause } = readCountedLog(log);
  if (problem !== undefined) throw new Error(problem);
  say(
    `\n# All ${numbers.length} numbers are in its log, each once and in order. The longest wait between two of them was`,
  );
  say(
    `# ${pause.ms} ms, before ${pause.before}; the usual one is ${pause.usualMs} ms. What lies between is the downtime that the container noticed.`,
  );
}

/** Shows the last `tail` lines of the container's log and what it prints in two more seconds, all in one line. */
async function showLog(host: string, tail: string): Promise<void> {
  const follow = ["timeout", "2", "docker", "logs", "--follow", "--tail", tail, "looper"];
  const args = ["lab", "exec", "--name", lab, host, "--", ...follow];
  say(commandLine(args));
  await godwit(args, (text) => process.stdout.write(text.replaceAll("\n", " ")));
  say("");
}

/** Shows a command and runs it. */
async function must(args: string[]): Promise<void> {
  say(commandLine(args));
  const status = await godwit(args);
  if (status !== 0) throw new Error(`the command above ended with status ${status}.`);
}

/** Runs a command. `onText` gets its output; without `onText` the output is shown. @returns the exit status */
async function godwit(args: string[], onText?: (text: string) => void): Promise<number> {
  stop.signal.throwIfAborted();
  child = spawn("bin/godwit", args, { stdio: ["ignore", onText ? "pipe" : "inherit", "inherit"] });
  if (onText) child.stdout?.setEncoding("utf8").on("data", onText);
  const [code] = await once(child, "close");
  child = undefined;
  stop.signal.throwIfAborted();
  return (code as number | null) ?? 1;
}

function commandLine(args: string[]): string {
  return `$ godwit ${args.map((part) => (/^[\w./,=-]+$/.test(part) ? part : `'${part}'`)).join(" ")}`;
}

function interrupt(signal: NodeJS.Signals): void {
  stop.abort();
  child?.kill(signal);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
