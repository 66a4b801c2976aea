import { type Command, CommanderError } from "commander";
import { errorCatalogue, errorReport } from "../contract/errors.ts";
import { agentSocket } from "../host/paths.ts";
import type { Output } from "../view/output.ts";
import type { Action, CommandContext } from "./command.ts";
import { type Connection, labConnection, localConnection } from "./connection.ts";
import { followOperation, type Interrupts } from "./follow.ts";
import { createProgram, misuse } from "./program.ts";
import type { Reporter, Terminal } from "./reporters/reporter.ts";

export interface CliEnvironment {
  env: Record<string, string | undefined>;
  terminal: Terminal;
  interrupts: Interrupts;
  reporter(json: boolean): Reporter;
}

/** Runs one command and returns its exit status. */
export async function runCli(argv: string[], environment: CliEnvironment): Promise<number> {
  const { env, terminal, interrupts } = environment;
  let status = 0;
  const action: Action =
    <A extends unknown[]>(run: (context: CommandContext, ...args: A) => Promise<Output>) =>
    async (...all: [...A, Command]) => {
      const command = all.at(-1) as Command;
      const args = all.slice(0, -1) as unknown as A;
      const { lab = env.GODWIT_LAB || undefined, json } = command.optsWithGlobals<{ lab?: string; json: boolean }>();
      const reporter = environment.reporter(json);
      const context: CommandContext = {
        lab,
        connect: () => connect(lab, env),
        follow: (client, asked) => followOperation(client, asked, reporter, interrupts),
        progress: (line) => reporter.progress(line),
        notice: (line) => reporter.notice(line),
      };
      try {
        const output = await run(context, ...args);
        reporter.output(output);
        status = output.exit ?? 0;
      } catch (error) {
        status = fail(reporter, error);
      }
    };
  try {
    await createProgram(action, terminal.out).parseAsync(argv.length > 0 ? argv : ["--help"], { from: "user" });
  } catch (error) {
    const thrown = error instanceof CommanderError ? misuse(error, argv) : error;
    return thrown === undefined ? 0 : fail(environment.reporter(beforeDashes(argv).includes("--json")), thrown);
  }
  return status;
}

function fail(reporter: Reporter, error: unknown): number {
  const report = errorReport(error);
  reporter.error(report);
  return errorCatalogue[report.code].exit;
}

async function connect(lab: string | undefined, env: CliEnvironment["env"]): Promise<Connection> {
  if (lab === undefined) return localConnection(env.GODWIT_SOCKET || agentSocket);
  const { labHosts } = await import("../lab/status.ts");
  return labConnection(lab, labHosts(lab));
}

const beforeDashes = (argv: string[]) => (argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv);
