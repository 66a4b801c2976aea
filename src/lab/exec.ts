import { type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exitStatus, type RunOptions, type RunResult, run } from "./run.ts";
import { hostCgroup, mustHost } from "./state.ts";

export interface ExecOptions {
  /** Gives the command a terminal of its own inside the host, of the size of the caller's. */
  tty?: boolean;
  stdio?: StdioOptions;
}

/** Runs a command in a host with the caller's own stdin, stdout, stderr, and signals; its exit status comes back. */
export async function labExec(lab: string, host: string, argv: string[], options: ExecOptions = {}): Promise<number> {
  const [command, ...args] = enter(lab, host, options.tty ? withTerminal(argv) : argv);
  const child = spawn(command, args, { stdio: options.stdio ?? "inherit" });
  const release = forwardSignals(() => child.pid);
  try {
    const [code, signal] = await once(child, "close");
    return exitStatus(code, signal);
  } finally {
    release();
  }
}

/** Runs a command (a string is a shell's) in a host and returns its status and what it printed. */
export function labRun(
  lab: string,
  host: string,
  argv: string[] | string,
  options: RunOptions = {},
): Promise<RunResult> {
  const [command, ...args] = enter(lab, host, typeof argv === "string" ? ["sh", "-c", argv] : argv);
  return run(command, args, options);
}

// Into the host's cgroup first, so that the command sees a cgroup path inside its namespace and ends with the lab.
function enter(lab: string, host: string, argv: string[]): [string, ...string[]] {
  const init = mustHost(lab, host);
  const procs = join(hostCgroup(lab, host), "init/cgroup.procs");
  const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
  const environment = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "SHELL=/bin/sh",
    "LANG=C.UTF-8",
    `TERM=${process.env.TERM ?? "dumb"}`,
  ];
  const nsenter = ["nsenter", "--target", String(init.pid), ...namespaces, "env", "-i", ...environment, ...argv];
  return ["sh", "-c", 'echo 0 >"$0" && exec "$@"', procs, ...nsenter];
}

const withTerminal = (argv: string[]) => ["script", "-qefc", argv.map(quote).join(" "), "/dev/null"];

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

// nsenter waits for a child in the host's pid namespace and hands no signal on to it. A terminal's Ctrl-C reaches the
// whole process group by itself, so SIGINT is only kept from ending this process first.
function forwardSignals(pid: () => number | undefined): () => void {
  const forward = (signal: NodeJS.Signals) => {
    for (const child of childrenOf(pid())) process.kill(child, signal);
  };
  const handlers: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
    ["SIGTERM", forward],
    ["SIGHUP", forward],
    ["SIGUSR1", forward],
    ["SIGUSR2", forward],
    ["SIGINT", process.stdin.isTTY ? () => {} : forward],
    ["SIGQUIT", process.stdin.isTTY ? () => {} : forward],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
