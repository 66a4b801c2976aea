import { once } from "node:events";
import { request as plain } from "node:http";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { all, configOf, freePort, newFolder, start, writeKeys } from "../../testing/agents.ts";
import { protocol } from "../contract/version.ts";
import { Client, unixSocket } from "../transport/client.ts";

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
