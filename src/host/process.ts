import { execa } from "execa";
import { GodwitError } from "../contract/errors.ts";

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
    reject: false,
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.env ? { env: options.env } : {}),
    ...(options.encoding ? { encoding: options.encoding } : {}),
  });
  if (result.isCanceled) throw new GodwitError("cancelled", `${command} was cancelled.`);
  if (result.exitCode !== undefined && [0, ...(options.accept ?? [])].includes(result.exitCode)) return result.stdout;
  throw commandFailed(
    command,
    result.exitCode ?? result.signal ?? result.code ?? "unknown",
    result.stderr || result.stdout,
  );
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
