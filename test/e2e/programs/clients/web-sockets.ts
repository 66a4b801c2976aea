// usage: web-sockets.ts URL COUNT
// COUNT clients in a ring: each sends numbered messages to the next one, without a pause for the move. A number
// that is missing, repeated or from another client, or a connection that ends, ends it. One more client asks for the server's timers.
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { listens, servePort } from "./port.ts";

const [url = "", count = ""] = process.argv.slice(2);
const clients = Number(count);
const pauseMs = 100;
const received: number[] = Array.from({ length: clients }, () => 0);
let clock: object = {};
let finished = false;

await listens(new URL(url));
const ring = await Promise.all(received.map((_, i) => open(i)));
const watcher = await open(clients);
watcher.addEventListener("message", ({ data }) => {
  clock = JSON.parse(String(data));
});
const all = Promise.all([...ring.map((socket, i) => talk(socket, i)), watch()]);
servePort(
  () => ({ least: Math.min(...received), most: Math.max(...received), clock }),
  async () => {
    finished = true;
    await all;
  },
);
await all;

async function open(number: number): Promise<WebSocket> {
  const socket = new WebSocket(`${url}/${number}`);
  socket.addEventListener("close", ({ code }) => {
    throw new Error(`the connection of client ${number} ended (${code})`);
  });
  await once(socket, "open");
  return socket;
}

async function talk(socket: WebSocket, number: number): Promise<void> {
  const before = (number + clients - 1) % clients;
  socket.addEventListener("message", ({ data }) => {
    const expected = `${before} message ${received[number]}`;
    if (data !== expected) throw new Error(`client ${number} got '${data}' instead of '${expected}'`);
    received[number] = (received[number] ?? 0) + 1;
  });
  for (let next = 0; !finished; next++) {
    socket.send(`${(number + 1) % clients} message ${next}`);
    await delay(pauseMs);
  }
}

async function watch(): Promise<void> {
  while (!finished) {
    watcher.send("clock");
    await delay(pauseMs);
  }
}
