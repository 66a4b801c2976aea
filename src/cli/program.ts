import { type Command, type CommanderError, Help, type Option } from "commander";
import { GodwitError } from "../contract/errors.ts";
import { version } from "../contract/version.ts";
import { type Action, CliCommand, examples } from "./command.ts";
import { agent } from "./commands/agent.ts";
import { certificates } from "./commands/certificates.ts";
import { checkpoint } from "./commands/checkpoint.ts";
import { clone } from "./commands/clone.ts";
import { doctor } from "./commands/doctor.ts";
import { hosts } from "./commands/hosts.ts";
import { lab } from "./commands/lab.ts";
import { migrate } from "./commands/migrate.ts";
import { migration } from "./commands/migration.ts";
import { operations } from "./commands/operations.ts";
import { ps } from "./commands/ps.ts";
import { recover } from "./commands/recover.ts";
import { restore, rollback } from "./commands/restore.ts";
import { setup } from "./commands/setup.ts";

const commands = [
  ...[doctor, hosts, ps, migrate, checkpoint, restore, rollback, clone, recover],
  ...[migration, operations, agent, setup, certificates, lab],
];

/** The whole command line. It prints only help and version, to `out`. A wrong call throws a GodwitError `usage`. */
export function createProgram(action: Action, out: (text: string) => void): CliCommand {
  const program = new CliCommand("godwit")
    .description("Moves running Docker containers between hosts without stopping them.")
    .version(version, "--version", "print the version")
    .option("--json", "print JSON instead of text", false)
    .option("--lab <name>", "use the hosts of a lab (or set GODWIT_LAB)")
    .helpOption("--help", "print help")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, optionDescription })
    .configureOutput({ writeOut: out, writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .addHelpText(
      "after",
      examples("godwit doctor", "godwit migrate looper h2", "godwit migrate h1/looper h2 --dry-run"),
    );
  for (const register of commands) register(program, action);
  return program;
}

// A switch is off by default, so the help does not say so.
const optionDescription = (option: Option) =>
  option.defaultValue === false ? option.description : new Help().optionDescription(option);

/** Turns what commander threw into an error; undefined where commander only printed help or the version. */
export function misuse(error: CommanderError, argv: string[]): GodwitError | undefined {
  if (error.exitCode === 0) return undefined;
  // For a group without a command, commander prints the help by itself.
  if (error.code === "commander.help") {
    return new GodwitError("usage", `'godwit ${words(argv)}' needs one of its commands.`, { hint: seeHelp(argv) });
  }
  const [first = "", ...more] = error.message.replace(/^error: /, "").split("\n");
  const suggestion = more.join(" ").replace(/[()]/g, "").trim();
  const message = `${first.charAt(0).toUpperCase()}${first.slice(1)}.`.replace(/\.+$/, ".");
  return new GodwitError("usage", message, { hint: [suggestion, seeHelp(argv)].filter(Boolean).join(" ") });
}

const seeHelp = (argv: string[]) => `See '${["godwit", words(argv), "--help"].filter(Boolean).join(" ")}'.`;

/** The words of a call that name its command. */
function words(argv: string[]): string {
  const program = new CliCommand();
  for (const register of commands) register(program, () => async () => {});
  let group: Command | undefined = program;
  const found: string[] = [];
  for (const word of argv) {
    const command: Command | undefined = group?.commands.find((one) => one.name() === word);
    if (!command) continue;
    found.push(word);
    group = command;
  }
  return found.join(" ");
}
