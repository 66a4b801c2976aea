import type { Command } from "commander";
import { expect, test } from "vitest";
import type { Action } from "./command.ts";
import { createProgram } from "./program.ts";

/** Parses a call and returns what its command would be given. */
async function parse(...argv: string[]) {
  let given: unknown;
  const action: Action =
    () =>
    async (...all) => {
      const command = all.at(-1) as Command;
      given = { args: all.slice(0, -1), globals: command.optsWithGlobals() };
    };
  await createProgram(action, () => {}).parseAsync(argv, { from: "user" });
  return given;
}

test("global options stand before or after the command", async () => {
  expect(await parse("--lab", "a", "ps", "--json")).toMatchObject({ globals: { lab: "a", json: true } });
});

test("lab exec passes on everything after --, and takes its own options before and after the host", async () => {
  const command = ["sh", "-c", "echo -t", "--json", "--name", "x", "--", "-t"];
  const expected = { args: ["h1", command, { name: "n", tty: true }], globals: { json: false } };
  expect(await parse("lab", "exec", "--name", "n", "h1", "-t", "--", ...command)).toMatchObject(expected);
  expect(await parse("lab", "exec", "-t", "h1", "--name", "n", "--", ...command)).toMatchObject(expected);
});

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}

test("the help of every command ends with an example", () => {
  const action: Action = () => async () => {};
  for (const command of all(createProgram(action, () => {}))) {
    let text = "";
    command
      .configureOutput({
        writeOut: (more) => {
          text += more;
        },
      })
      .outputHelp();
    expect(text, command.name()).toMatch(/Examples?:\n {2}godwit /);
  }
});
