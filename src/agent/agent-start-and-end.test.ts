import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configOf, newFolder, silent, start } from "../../testing/agents.ts";
import { fakeWork } from "../../testing/fake-agent.ts";
import type { Operation } from "../contract/operations.ts";
import { SqliteJournal } from "../journal/sqlite.ts";
import { Client, unixSocket } from "../transport/client.ts";
import { startAgent } from "./agent.ts";

test("a second agent on one host is refused; a socket that is left over is replaced; a clean end leaves nothing", async () => {
  const config = configOf(newFolder());
  const agent = await start(config);
  expect(statSync(agent.socket).mode & 0o007).toBe(0);
  expect(existsSync(join(config.runDir, "agent.pid"))).toBe(true);
  await expect(startAgent(config, fakeWork, silent)).rejects.toMatchObject({ code: "busy" });
  expect(await new Client(unixSocket(agent.socket)).call("health", {})).toMatchObject({ name: "h1" });
  await agent.close();
  expect(existsSync(agent.socket)).toBe(false);
  expect(existsSync(join(config.runDir, "agent.pid"))).toBe(false);
  writeFileSync(agent.socket, "");
  await start(config);
});

test("of two agents that start at once over a socket that is left over, one is refused", async () => {
  const config = configOf(newFolder());
  mkdirSync(config.runDir);
  writeFileSync(join(config.runDir, "agent.sock"), "");
  const started = await Promise.allSettled([start(config), start(config)]);
  expect(started.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test.each(["stateDir", "runDir"] as const)(
  "a second agent with the same %s is refused, and told which one runs",
  async (shared) => {
    const config = configOf(newFolder());
    await start(config);
    const other = configOf(newFolder(), { [shared]: config[shared] });
    await expect(startAgent(other, fakeWork, silent)).rejects.toMatchObject({
      code: "busy",
      message: `Another agent (process ${process.pid}) runs on this host already and has locked ${config[shared]}/agent.lock.`,
      hint: expect.stringContaining("stop the other one"),
    });
  },
);

test("an agent that ends cancels what can be cancelled, and knows it afterwards", async () => {
  const config = configOf(newFolder());
  const first = await start(config);
  const client = new Client(unixSocket(first.socket));
  const { id } = await client.call("migrate", { params: { container: "looper" }, body: { destination: "h2" } });
  await first.close();
  const second = await start(config);
  const found = await new Client(unixSocket(second.socket)).call("operation", { params: { id } });
  expect(found).toMatchObject({ state: "cancelled", container: "looper" });
});

test("what an agent left in the middle has failed as interrupted; what older agents wrote of such a thing is read as it is", async () => {
  const config = configOf(newFolder());
  mkdirSync(config.stateDir);
  const journal = new SqliteJournal(join(config.stateDir, "journal.db"));
  const startedAt = new Date().toISOString();
  const left: Operation = {
    ...{ id: "left", kind: "receive", host: "h1", container: "looper", state: "running", cancellable: true },
    ...{ startedAt, endedAt: null, about: null, phase: null, progress: null, result: null, error: null },
  };
  const report = { code: "agent-unreachable", message: "The agent ended in the middle." } as const;
  journal.putOperation(left);
  journal.putOperation({ ...left, id: "older", state: "failed", endedAt: startedAt, error: report });
  journal.close();
  const client = new Client(unixSocket((await start(config)).socket));
  const operation = (id: string) => client.call("operation", { params: { id } });
  expect(await operation("left")).toMatchObject({
    state: "failed",
    error: { code: "interrupted", message: expect.stringContaining("'receive' on 'looper'"), hint: expect.any(String) },
  });
  expect(await operation("older")).toMatchObject({ state: "failed", error: report });
});
