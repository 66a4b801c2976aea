import { expect, test } from "vitest";
import type { ContainerInspect } from "../inspect.ts";
import type { DockerClient } from "./client.ts";
import { readExecSessions } from "./exec-sessions.ts";

const check = ["/bin/sh", "-c", "pg_isready -q"];

/** Sessions and what they run; of one that is gone nothing is known. */
function dockerWith(commands: Record<string, string[] | "ended" | "gone">): Pick<DockerClient, "find"> {
  const find = async (path: string) => {
    const command = commands[path.split("/")[2] ?? ""] ?? "gone";
    if (command === "gone") return undefined;
    const [entrypoint, ...rest] = command === "ended" ? check : command;
    return { Running: command !== "ended", ProcessConfig: { entrypoint, arguments: rest } };
  };
  return { find: find as DockerClient["find"] };
}

test.each([
  ["a shell's", ["CMD-SHELL", "pg_isready -q"], undefined, check],
  [
    "one of a shell of its own",
    ["CMD-SHELL", "pg_isready -q"],
    ["/bin/bash", "-ec"],
    ["/bin/bash", "-ec", "pg_isready -q"],
  ],
  ["a program's", ["CMD", "/usr/bin/pg_isready", "-q"], undefined, ["/usr/bin/pg_isready", "-q"]],
])("a health check is no session: %s", async (_, Test, Shell, running) => {
  const commands = { one: running, two: ["/usr/bin/psql", "-U", "me"], three: "ended", four: "gone" } as const;
  const docker = dockerWith({ ...commands, two: [...commands.two] });
  const container = {
    ExecIDs: Object.keys(commands),
    Config: { Healthcheck: { Test }, Shell },
  } as unknown as ContainerInspect;
  expect(await readExecSessions(docker, container)).toEqual(["psql"]);
});

test("without a health check, the same command is one", async () => {
  const docker = dockerWith({ one: check });
  for (const Healthcheck of [undefined, { Test: ["NONE"] }, { Test: [] }]) {
    const container = { ExecIDs: ["one"], Config: { Healthcheck } } as unknown as ContainerInspect;
    expect(await readExecSessions(docker, container)).toEqual(["sh"]);
  }
  expect(await readExecSessions(docker, { ExecIDs: null, Config: {} } as unknown as ContainerInspect)).toEqual([]);
});
