import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as plain } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { fakeWork } from "../../testing/fake-agent.ts";
import type { Operation, OperationEvent } from "../contract/operations.ts";
import { protocol } from "../contract/version.ts";
import { SqliteJournal } from "../journal/sqlite.ts";
import { createAuthority, issueCertificate } from "../transport/certificates.ts";
import { Client, unixSocket } from "../transport/client.ts";
import { type Agent, startAgent } from "./agent.ts";
import type { AgentConfig } from "./config.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
const silent = { info: () => {}, warn: () => {}, error: () => {} };

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-agent-"));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function configOf(folder: string, more: Partial<AgentConfig> = {}): AgentConfig {
  const [stateDir, runDir, pki] = ["state", "run", "pki"].map((name) => join(folder, name)) as [string, string, string];
  return { name: "h1", listen: undefined, hosts: {}, stateDir, runDir, pki, ...more };
}

async function start(config: AgentConfig): Promise<Agent> {
  const agent = await startAgent(config, fakeWork, silent);
  let closed = false;
  const close = agent.close.bind(agent);
  agent.close = async () => {
    if (!closed) await close();
    closed = true;
  };
  cleanUps.push(() => agent.close());
  return agent;
}

async function writeKeys(folders: Record<string, string>): Promise<void> {
  const authority = await createAuthority();
  for (const [name, pki] of Object.entries(folders)) {
    const issued = await issueCertificate(authority, { name, addresses: ["127.0.0.1"] });
    mkdirSync(pki, { recursive: true });
    writeFileSync(join(pki, "ca.pem"), authority.certificate);
    writeFileSync(join(pki, "cert.pem"), issued.certificate);
    writeFileSync(join(pki, "key.pem"), issued.key);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

async function all(events: AsyncIterable<OperationEvent>): Promise<OperationEvent[]> {
  const found: OperationEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

test("the routes answer on the socket, errors with the catalogue's code", async () => {
  const agent = await start(configOf(newFolder()));
  const client = new Client(unixSocket(agent.socket));
  expect(await client.call("health", {})).toMatchObject({ name: "h1", protocol });
  expect(await client.call("containers", {})).toMatchObject([{ name: "looper", host: "h1" }]);
  expect(await client.call("hosts", {})).toMatchObject([{ name: "h1", self: true, reachable: true }]);
  const migrate = (container: string, destination = "h2") =>
    client.call("migrate", { params: { container }, body: { destination, mode: "cold" } });
  await expect(migrate("nobody")).rejects.toMatchObject({ code: "no-such-container" });
  await expect(migrate("../etc")).rejects.toMatchObject({ code: "invalid-name" });
  await expect(migrate("looper", "..")).rejects.toMatchObject({ code: "invalid-name" });
  const limited = (limits: object) =>
    client.call("migrate", { params: { container: "looper" }, body: { destination: "h2", mode: "cold", ...limits } });
  for (const limits of [{ bandwidth: 1000 }, { drainBandwidth: 1e12 }, { downtimeLimitMs: 0 }]) {
    await expect(limited(limits)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("is between 1 "),
    });
  }
  const doctor = client.call("doctor", { query: { with: "-h2" } });
  await expect(doctor).rejects.toMatchObject({ code: "invalid-name", message: "'-h2' is not a valid host name." });
  const clone = client.call("clone", { params: { container: "looper" }, body: { name: "a/b" } });
  await expect(clone).rejects.toMatchObject({
    code: "invalid-name",
    hint: expect.stringContaining("Names consist of"),
  });
  await expect(client.call("setMigration", { params: { id: "x" }, body: {} })).rejects.toMatchObject({
    ...{ code: "usage", message: expect.stringContaining("name at least one setting") },
  });
  await expect(client.call("operation", { params: { id: "x" } })).rejects.toMatchObject({ code: "no-such-operation" });
  await expect(client.call("facts", {})).rejects.toMatchObject({ code: "internal" });
});

test("what is not of the documented form is refused in a sentence", async () => {
  const agent = await start(configOf(newFolder()));
  const post = async (path: string, body: string) => {
    const request = plain({
      socketPath: agent.socket,
      path,
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    request.end(body);
    const [response] = await once(request, "response");
    return { status: response.statusCode, ...JSON.parse(await text(response)).error };
  };
  const path = "/v1/containers/looper/migrate";
  expect(await post(path, '{"destination": "h2", "mode": "fast"}')).toMatchObject({
    status: 400,
    code: "usage",
    message: expect.stringContaining("mode"),
  });
  // Only what is asked of the route `plan` changes nothing.
  expect(await post(path, '{"destination": "h2", "dryRun": true}')).toMatchObject({
    status: 400,
    code: "usage",
    message: expect.stringContaining("dryRun"),
  });
  expect(await new Client(unixSocket(agent.socket)).call("operations", {})).toEqual([]);
  expect(await post(path, "{nonsense")).toMatchObject({ status: 400, code: "usage" });
  expect(await post("/v1/nothing", "{}")).toMatchObject({ status: 404, code: "usage" });
  expect(await post("/v1/containers/looper/restore", '{"checkpoint": "a", "x": 1}')).toMatchObject({
    status: 400,
    message: expect.stringMatching(/\bx\b/),
  });
});

test("the events of an operation that nobody knows are refused before the stream begins", async () => {
  const agent = await start(configOf(newFolder()));
  const client = new Client(unixSocket(agent.socket));
  await expect(all(client.events({ operationId: "x", afterId: 0 }))).rejects.toMatchObject({
    code: "no-such-operation",
  });
});

test("an operation can be followed, resumed by id, and cancelled", async () => {
  const agent = await start(configOf(newFolder()));
  const client = new Client(unixSocket(agent.socket));
  const body = { destination: "h2" };
  const { id } = await client.call("migrate", { params: { container: "looper" }, body });
  await expect(client.call("migrate", { params: { container: "looper" }, body })).rejects.toMatchObject({
    code: "busy",
    message: `'looper' is busy with the operation 'migrate' (id ${id}).`,
  });
  const following = all(client.events({ operationId: id, afterId: 0 }));
  await client.call("cancelOperation", { params: { id } });
  const events = await following;
  expect(events.map((event) => event.body.type)).toEqual(["started", "phase", "ended"]);
  const rest = await all(client.events({ operationId: id, afterId: events[1]?.id ?? 0 }));
  expect(rest).toEqual(events.slice(2));
  expect(await client.call("operation", { params: { id } })).toMatchObject({ state: "cancelled" });
});

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

test("two agents: one hands calls, errors and events on to the other", async () => {
  const [a, b] = [newFolder(), newFolder()];
  const hosts = { h1: `127.0.0.1:${await freePort()}`, h2: `127.0.0.1:${await freePort()}`, h3: "127.0.0.1:1" };
  const first = configOf(a, { listen: hosts.h1, hosts });
  const second = configOf(b, { name: "h2", listen: hosts.h2, hosts });
  await writeKeys({ h1: first.pki, h2: second.pki });
  const agent = await start(first);
  await start(second);
  const send = unixSocket(agent.socket);
  const far = new Client(send, "h2");
  expect(await far.call("health", {})).toMatchObject({ name: "h2" });
  expect(await new Client(send, "h1").call("health", {})).toMatchObject({ name: "h1" });
  await expect(new Client(send, "h9").call("health", {})).rejects.toMatchObject({ code: "no-such-host" });
  await expect(new Client(send, "h3").call("health", {})).rejects.toMatchObject({ code: "agent-unreachable" });
  expect(await new Client(send).call("hosts", {})).toMatchObject([
    { name: "h1", self: true },
    { name: "h2", reachable: true, problem: null },
    { name: "h3", reachable: false, problem: expect.stringContaining("h3") },
  ]);
  const { id, host } = await far.call("migrate", {
    params: { container: "looper" },
    body: { destination: "h1", mode: "cold" },
  });
  expect(host).toBe("h2");
  const events = await all(far.events({ operationId: id, afterId: 0 }));
  expect(events.at(-1)?.body).toMatchObject({ type: "ended", operation: { state: "done", result: { ok: true } } });
  await expect(far.call("operation", { params: { id: "x" } })).rejects.toMatchObject({ code: "no-such-operation" });
});
