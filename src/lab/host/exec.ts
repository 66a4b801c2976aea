import { type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mustReach } from "../find-host.ts";
import { exitStatus, type RunOptions, type RunResult, run } from "../run.ts";

export interface ExecOptions {
  /** Gives the command a terminal inside the host, of the size of the caller's. */
  tty?: boolean;
  stdio?: StdioOptions;
}

/** Runs a command in a host with the caller's stdin, stdout, stderr and signals, and returns its exit status. */
export async function labExec(lab: string, host: string, argv: string[], options: ExecOptions = {}): Promise<number> {
  const entrance = mustReach(lab, host).enter(argv, { tty: options.tty ?? false });
  const [command, ...args] = entrance.argv;
  const child = spawn(command, args, { stdio: options.stdio ?? "inherit" });
  const release = forwardSignals((signal) => child.pid !== undefined && entrance.signal(child.pid, signal));
  try {
    const [code, signal] = await once(child, "close");
    return exitStatus(code, signal);
  } finally {
    release();
  }
}

/** Runs a command in a host; a string is a shell script. A status other than 0 is no error. @throws GodwitError as `mustReach` */
export function labRun(
  lab: string,
  host: string,
  argv: string[] | string,
  options: RunOptions = {},
): Promise<RunResult> {
  const [command, ...args] = mustReach(lab, host).command(typeof argv === "string" ? ["sh", "-c", argv] : argv);
  return run(command, args, options);
}

// A terminal sends Ctrl-C to the whole process group: SIGINT needs no forwarding there, and must not end this process first.
function forwardSignals(forward: (signal: NodeJS.Signals) => void): () => void {
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
