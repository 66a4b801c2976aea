import { Command } from "commander";
import type { Operation } from "../contract/operations.ts";
import type { Client } from "../transport/client.ts";
import type { Output } from "../view/output.ts";
import type { Connection } from "./connection.ts";

/** What every command gets. */
export interface CommandContext {
  /** Name of the lab that --lab or GODWIT_LAB names, if any. */
  lab: string | undefined;
  connect(): Promise<Connection>;
  /** Shows an operation, which the agent has been asked for, until it is done. Throws the operation's error if it fails. */
  follow(client: Client, asked: Promise<Operation>): Promise<Operation>;
  progress(line: string): void;
  notice(line: string): void;
}

/** Makes a command's action from a function that returns its output. */
export type Action = <A extends unknown[]>(
  run: (context: CommandContext, ...args: A) => Promise<Output>,
) => (...args: [...A, Command]) => Promise<void>;

/** Adds a command (or a group of them) to the program. */
export type Registration = (program: CliCommand, action: Action) => void;

/** A command that knows what it prints with --json. docs/cli.md shows it. */
export class CliCommand extends Command {
  /** Markdown; undefined for a group of commands. */
  jsonShape: string | undefined;

  override createCommand(name?: string): CliCommand {
    return new CliCommand(name);
  }

  /** @param shape Markdown, in the notation of TypeScript. docs/cli.md also shows the contract's schemas that it names. */
  json(shape: string): this {
    this.jsonShape = shape;
    return this;
  }
}

/** Examples for the end of a command's help. */
export const examples = (...lines: string[]): string =>
  `\n${lines.length > 1 ? "Examples" : "Example"}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
