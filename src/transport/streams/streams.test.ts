import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { duplexPair } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { listenLoopback } from "./loopback.ts";
import { counted, joinStreams } from "./streams.ts";

const dial = (port: number) => connect({ port, host: "127.0.0.1", allowHalfOpen: true });

test("a half-close passes through a port that is joined with a far stream", async () => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const address = echo.address();
  const far = typeof address === "object" && address ? address.port : 0;
  const counter = { sent: 0, received: 0 };
  const joins: Promise<void>[] = [];
  const onConnection = (socket: Socket) => joins.push(joinStreams(socket, counted(dial(far), counter)));
  const loopback = await listenLoopback({ onConnection });

  const client = dial(loopback.port);
  client.end(Buffer.alloc(3_000_000, 5));
  expect((await buffer(client)).length).toBe(3_000_000);
  await Promise.all(joins);
  expect(counter).toEqual({ sent: 3_000_000, received: 3_000_000 });
  await loopback.close();
  echo.close();
});

test("the destroy of one end reaches the other", async () => {
  const [near, nearOther] = duplexPair();
  const [far, farOther] = duplexPair();
  const joined = joinStreams(nearOther, counted(far, { sent: 0, received: 0 }));
  near.on("error", () => {});
  farOther.resume();
  nearOther.destroy(new Error("cable cut"));
  await expect(joined).rejects.toThrow("cable cut");
  expect(far.destroyed).toBe(true);
});

test("a broken stream resets the plain socket, and does not end it", async () => {
  const [near, far] = duplexPair();
  const loopback = await listenLoopback({ onConnection: (socket) => joinStreams(socket, far).catch(() => {}) });
  const client = dial(loopback.port);
  near.write("first bytes");
  await once(client, "data");
  far.destroy();
  const [error] = await once(client, "error");
  expect(error).toMatchObject({ code: "ECONNRESET" });
  await loopback.close();
});

test("with once, the port closes after the first connection", async () => {
  const loopback = await listenLoopback({ once: true, onConnection: (socket) => socket.pipe(socket) });
  const first = dial(loopback.port);
  first.end("hello");
  expect((await buffer(first)).toString()).toBe("hello");
  const second = dial(loopback.port);
  const [error] = await once(second, "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  await loopback.close();
});

test("close destroys open connections", async () => {
  const loopback = await listenLoopback({ onConnection: () => {} });
  const client = dial(loopback.port);
  client.on("error", () => {});
  await once(client, "connect");
  await new Promise((done) => setImmediate(done));
  await loopback.close();
  client.resume();
  await once(client, "end");
  client.destroy();
});

test("a broken stream destroys the pipe to a program", async () => {
  const program = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const pipe = program.stdio[3] as Socket;
  const [near, nearOther] = duplexPair();
  const joined = joinStreams(pipe, nearOther);
  near.on("error", () => {});
  nearOther.destroy(new Error("cable cut"));
  await expect(joined).rejects.toThrow("cable cut");
  expect(pipe.destroyed).toBe(true);
  program.kill();
});
