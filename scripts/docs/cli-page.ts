import type { Command } from "commander";
import { createProgram } from "../../src/cli/program.ts";
import { agentSocket } from "../../src/host/paths.ts";
import { groups } from "./errors-page.ts";
import { generated, table } from "./markdown.ts";
import { shapes } from "./shapes.ts";

/** What each command prints with --json; a command without a line here makes the page fail. */
const json: Record<string, string> = {
  doctor: "`DoctorReport[]`, a host each",
  hosts: "`{ host: string, version: string | null, usage: AgentUsage | null, problem: string | null }[]`",
  ps: "`{ host: string, containers: Container[], problem: string | null }[]`; `problem` says why a host could not be asked",
  migrate: "`Event` lines, then a `MigrationResult` line; with `--dry-run` a `MigrationPlan`",
  "checkpoint create": "`Event` lines, then a `CheckpointSummary` line",
  "checkpoint ls": "`{ host: string, checkpoints: CheckpointSummary[], problem: string | null }[]`",
  "checkpoint inspect": "`CheckpointRecord`",
  "checkpoint rm": "`{ removed: string }`",
  restore: "`Event` lines, then a `RunResult` line",
  rollback: "`Event` lines, then a `RunResult` line",
  clone: "`Event` lines, then a `RunResult` line",
  recover: "`Recovery`",
  "migration ls": "`Migration[]`",
  "migration show": "`Migration`",
  "migration watch": "`Event` lines, then a `MigrationResult` line",
  "migration cancel": "`Migration`",
  "migration set": "`Migration`",
  "migration switch": "`Migration`",
  "operations ls": "`Operation[]`",
  "operations show": "`Operation`",
  "operations watch": "`Event` lines, then the operation's result line",
  "operations cancel": "`Operation`",
  agent: "nothing; its log on standard error is JSON lines always",
  setup: "`{ changed: boolean, registered: boolean, notes: string[] }`",
  certificates: "`{ folder: string, authorityKept: boolean, hosts: { name: string, addresses: string[] }[] }`",
  "lab up": "`Lab[]`",
  "lab exec": "nothing of its own: what the command prints",
  "lab status": "`Lab[]`",
  "lab down": "`{ lab: string }`",
  "lab image": "`{ host: string, image: string, id: string }`",
};

/** docs/cli.md: every command as the program itself describes it. */
export function cliPage(): string {
  const program = createProgram(
    () => async () => {},
    () => {},
  );
  const commands = leaves(program, []);
  const unknown = Object.keys(json).filter((name) => !commands.some(({ path }) => path.join(" ") === name));
  if (unknown.length > 0) throw new Error(`no such command: ${unknown.join(", ")}`);
  return `# Commands

${generated("the commands in src/cli and the schemas in src/contract")}

Containers are named \`NAME\`, or \`HOST/NAME\` where the host is another one. On a host, commands go to its agent over
\`${agentSocket}\` (or \`GODWIT_SOCKET\`). With \`--lab NAME\` (or \`GODWIT_LAB=NAME\`) they go to the hosts of that lab.

These options belong to every command:

${options(program)}
At a terminal a running operation is shown live; otherwise there is a line for every transition. The first Ctrl-C cancels the
operation, a second one leaves it to itself.

## Exit status

${table(["status", "meaning"], groups)}
\`godwit lab exec\` ends with the status of its command. [errors.md](errors.md) has every error's code.

${commands.map(section).join("\n")}
## JSON shapes

With \`--json\` a command prints one JSON document. Commands that follow an operation print a line for each event and then one
with the result. An error is a line \`{"error": ErrorReport}\`. Times ending in \`Ms\` or named \`ms\`, \`at\` (of a step) and
\`elapsed\` are milliseconds, sizes are bytes, other times are ISO 8601. A field with \`?\` may be missing.

\`\`\`
${shapes()}
\`\`\`
`;
}

interface Leaf {
  path: string[];
  command: Command;
}

function leaves(command: Command, path: string[]): Leaf[] {
  return command.commands.flatMap((child) => {
    const own = [...path, child.name()];
    return child.commands.length > 0 ? leaves(child, own) : [{ path: own, command: child }];
  });
}

function section({ path, command }: Leaf): string {
  const name = path.join(" ");
  const shape = json[name];
  if (shape === undefined) throw new Error(`scripts/docs/cli-page.ts does not say what '${name} --json' prints`);
  const args = command.registeredArguments.map((argument) => [
    `\`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}${argument.variadic ? " ..." : ""}\``,
    argument.description,
  ]);
  return `## godwit ${name}

${command.description()}

\`godwit ${name} ${command.usage()}\`

${args.length > 0 ? `${table(["argument", ""], args)}\n` : ""}${command.options.length > 0 ? `${options(command)}\n` : ""}\`\`\`
${exampleLines(command).join("\n")}
\`\`\`

\`--json\`: ${shape}
`;
}

function options(command: Command): string {
  const rows = command.options.map((option) => {
    const notes = [
      option.argChoices ? `one of ${option.argChoices.join(", ")}` : undefined,
      option.defaultValue === undefined || option.defaultValue === false
        ? undefined
        : `default: ${option.defaultValue}`,
    ].filter((note) => note !== undefined);
    return [`\`${option.flags}\``, `${option.description}${notes.length > 0 ? ` (${notes.join("; ")})` : ""}`];
  });
  return table(["option", ""], rows);
}

/** The examples stand in the text after the help. */
function exampleLines(command: Command): string[] {
  let text = "";
  command
    .configureOutput({
      writeOut: (more) => {
        text += more;
      },
    })
    .outputHelp();
  return text
    .slice(text.lastIndexOf("Example"))
    .split("\n")
    .slice(1)
    .map((line) => line.trim())
    .filter(Boolean);
}
