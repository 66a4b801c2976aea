import type { Command } from "commander";
import { CliCommand } from "../../src/cli/command.ts";
import { createProgram } from "../../src/cli/program.ts";
import { agentSocket } from "../../src/host/paths.ts";
import { groups } from "./errors-page.ts";
import { generated, table } from "./markdown.ts";
import { shapes } from "./shapes.ts";

/** docs/cli.md: every command as the program itself describes it. */
export function cliPage(): string {
  const program = createProgram(
    () => async () => {},
    () => {},
  );
  const commands = leaves(program, []).map(section).join("\n");
  return `# Commands

${generated("the commands in src/cli and the schemas in src/contract")}

A container's name is \`NAME\`, or \`HOST/NAME\` on another host. On a host, commands go to its agent over
\`${agentSocket}\` (or \`GODWIT_SOCKET\`). With \`--lab NAME\` (or \`GODWIT_LAB=NAME\`) they go to the hosts of that lab.

Every command has these options:

${options(program)}
A terminal shows a running operation live. A pipe or a file gets a line for every transition. The first Ctrl-C cancels the
operation. The second one stops following it, and the operation continues; the exit status is 130 then.

## Exit status

${table(["status", "meaning"], groups)}
\`godwit lab exec\` ends with the status of its command. [errors.md](errors.md) has every error's code.

${commands}
## JSON shapes

With \`--json\` a command prints one JSON document. A command that follows an operation prints a line for each event, then a line
with the result. An error is a line \`{"error": ErrorReport}\`. Times ending in \`Ms\` or named \`ms\`, \`at\` (of a step) and
\`elapsed\` are milliseconds, sizes are bytes, other times are ISO 8601. A field with \`?\` may be missing.

\`\`\`
${shapes(commands)}
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
  const shape = command instanceof CliCommand ? command.jsonShape : undefined;
  if (shape === undefined) throw new Error(`'godwit ${name}' does not say with .json() what its --json prints`);
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
