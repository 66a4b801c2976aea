import { execa, type Result } from "execa";
import { GodwitError } from "../../contract/errors.ts";

export interface RunOptions {
  input?: string | Uint8Array;
  signal?: AbortSignal | undefined;
  cwd?: string;
  env?: Record<string, string>;
  /** Of its output; `latin1` is a character a byte. UTF-8 where nothing is said. */
  encoding?: "latin1";
  /** Exit statuses that are not a failure. */
  accept?: number[];
}

/**
 * Runs a command to its end and gives its standard output without the last newline.
 * @throws command-failed with the last lines of its error output; cancelled when the signal was given.
 */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const result = await execa(command, args, {
    ...execaOptions(options),
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
  });
  return outputOf(command, result, options);
}

/** A command that has begun, and waits for its input: what it costs to start is paid before. */
export interface HeldCommand {
  /** Gives it its input; then as `run`. */
  finish(input: string | Uint8Array): Promise<string>;
  /** Ends it. Harmless where it has ended. */
  drop(): void;
}

export function hold(command: string, args: string[], options: Omit<RunOptions, "input"> = {}): HeldCommand {
  const child = execa(command, args, { ...execaOptions(options), stdin: "pipe" });
  // One that has ended early says why itself.
  child.stdin?.on("error", () => {});
  return {
    async finish(input) {
      child.stdin?.end(input);
      return outputOf(command, await child, options);
    },
    drop: () => child.kill("SIGKILL"),
  };
}

const execaOptions = ({ signal, cwd, env, encoding }: RunOptions) => ({
  reject: false as const,
  ...(signal ? { cancelSignal: signal } : {}),
  ...(cwd ? { cwd } : {}),
  ...(env ? { env } : {}),
  ...(encoding ? { encoding } : {}),
});

type Ended = Pick<Result, "isCanceled" | "exitCode" | "signal" | "code"> & { stdout?: unknown; stderr?: unknown };

function outputOf(command: string, result: Ended, { accept = [] }: RunOptions): string {
  if (result.isCanceled) throw new GodwitError("cancelled", `${command} was cancelled.`);
  const { exitCode, stdout, stderr } = result;
  if (exitCode !== undefined && [0, ...accept].includes(exitCode)) return String(stdout ?? "");
  throw commandFailed(command, exitCode ?? result.signal ?? result.code ?? "unknown", String(stderr || stdout || ""));
}

/** Ends a process that leads a group, and all of the group. Harmless where it has ended. */
export function killGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

export class CommandFailed extends GodwitError {
  /** Exit status, or the name of the signal or of the error that kept it from running. */
  readonly status: number | string;

  constructor(command: string, status: number | string, details: string[]) {
    const how = status === "ENOENT" ? "it is not installed" : status;
    super("command-failed", `${command} failed (${how}).`, { details });
    this.status = status;
  }
}

/** What a failed command says of itself. `output` is cut to its last lines. */
export const commandFailed = (command: string, status: number | string, output: string): CommandFailed =>
  new CommandFailed(command, status, lastLines(output, 6));

export function lastLines(text: string, count: number): string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count);
}
