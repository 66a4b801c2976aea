import { expect, test } from "vitest";
import type { Docker } from "./docker.ts";
import { readExecSessions } from "./exec-sessions.ts";
import type { ContainerInspect } from "./inspect.ts";

const check = ["/bin/sh", "-c", "pg_isready -q"];

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
  const commands = new Map([
    ["1", running],
    ["2", ["/usr/bin/psql", "-U", "me"]],
    // Ended between the two questions.
    ["3", undefined],
  ]);
  const docker = { execCommand: async (session: string) => commands.get(session) } as unknown as Docker;
  const container = {
    ExecIDs: [...commands.keys()],
    Config: { Healthcheck: { Test }, Shell },
  } as unknown as ContainerInspect;
  expect(await readExecSessions(docker, container)).toEqual(["psql"]);
});

test("without a health check, the same command is one", async () => {
  const docker = { execCommand: async () => check } as unknown as Docker;
  for (const Healthcheck of [undefined, { Test: ["NONE"] }, { Test: [] }]) {
    const container = { ExecIDs: ["1"], Config: { Healthcheck } } as unknown as ContainerInspect;
    expect(await readExecSessions(docker, container)).toEqual(["sh"]);
  }
  expect(await readExecSessions(docker, { ExecIDs: null, Config: {} } as unknown as ContainerInspect)).toEqual([]);
});
