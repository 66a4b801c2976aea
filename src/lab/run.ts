import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { GodwitError } from "../contract/errors.ts";

export interface RunResult {
  /** Exit status; 128 + the signal's number if a signal ended it. */
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Standard input: text, or a file by its path. Empty by default. */
  input?: string | { file: string };
  /** Path of a file for standard output; `stdout` of the result is then empty. */
  outputFile?: string;
  cwd?: string;
  /** Called with each line of standard error as it comes. */
  onLine?: (line: string) => void;
}

/** Runs a command to its end. A status other than 0 is no error. @throws GodwitError `unsupported-system` if it is missing */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const input = typeof options.input === "object" ? openSync(options.input.file, "r") : undefined;
  const output = options.outputFile ? openSync(options.outputFile, "w") : undefined;
  try {
    const child = spawn(command, args, { stdio: [input ?? "pipe", output ?? "pipe", "pipe"], cwd: options.cwd });
    // A command may end without reading its input. Its status says whether that is a failure.
    child.stdin?.on("error", () => {});
    child.stdin?.end(typeof options.input === "string" ? options.input : "");
    const stdout: Buffer[] = [];
    child.stdout?.on("data", (data: Buffer) => stdout.push(data));
    const stderr: Buffer[] = [];
    let rest = "";
    child.stderr?.on("data", (data: Buffer) => {
      stderr.push(data);
      const lines = (rest + data.toString()).split("\n");
      rest = lines.pop() ?? "";
      if (options.onLine) for (const line of lines) options.onLine(line);
    });
    const [code, signal] = await once(child, "close");
    return {
      status: exitStatus(code, signal),
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    };
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? missingCommand(command, error) : error;
  } finally {
    if (input !== undefined) closeSync(input);
    if (output !== undefined) closeSync(output);
  }
}

/** The exit status as a shell reports it. */
export function exitStatus(code: number | null, signal: NodeJS.Signals | null): number {
  return signal ? 128 + constants.signals[signal] : (code ?? 1);
}

/** Runs a command that must succeed. @returns standard output @throws GodwitError `command-failed` with the last lines printed */
export async function must(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, args, options);
  if (result.status === 0) return result.stdout;
  const details = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-12);
  const what = `${command} ${args.slice(0, 8).join(" ")}`;
  throw new GodwitError("command-failed", `'${what}' failed with status ${result.status}.`, { details });
}

/** The error for a command that is not installed. */
export function missingCommand(command: string, cause?: unknown): GodwitError {
  return new GodwitError("unsupported-system", `The command ${command} is missing on this machine.`, {
    hint: "Run sh scripts/setup.sh in the checkout once: it installs what the lab needs.",
    cause,
  });
}
