import type { Command } from "commander";
import type { Operation } from "../contract/operations.ts";
import type { Client } from "../transport/client.ts";
import type { Output } from "../view/output.ts";
import type { Connection } from "./connection.ts";

/** What every command gets. */
export interface CommandContext {
  /** Name of the lab that --lab or GODWIT_LAB names, if any. */
  lab: string | undefined;
  connect(): Promise<Connection>;
  /** Shows an operation until it is done. Throws the operation's error if it fails. */
  follow(client: Client, operation: Operation): Promise<Operation>;
  progress(line: string): void;
  notice(line: string): void;
}

/** Makes a command's action from a function that returns its output. */
export type Action = <A extends unknown[]>(
  run: (context: CommandContext, ...args: A) => Promise<Output>,
) => (...args: [...A, Command]) => Promise<void>;

/** Adds a command (or a group of them) to the program. */
export type Registration = (program: Command, action: Action) => void;

/** What the command prints with --json, for its help and docs/cli.md: a shape of the contract, with a word about it. */
export const prints = (shape: string): string => `\nWith --json:\n  ${shape}`;

/** Examples for the end of a command's help. */
export const examples = (...lines: string[]): string =>
  `\n${lines.length > 1 ? "Examples" : "Example"}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
