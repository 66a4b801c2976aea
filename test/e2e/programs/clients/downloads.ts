// usage: downloads.ts URL COUNT BYTES SHA256 REST
// Downloads URL/large COUNT times at once, each slowly over a connection of its own, until it is told to finish; then as fast as
// it comes, and over the same connection URL/last. A reset, a wrong byte or a new connection ends it.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { listens, servePort } from "./port.ts";

const [url = "", count = "", bytes = "", sum = "", restMs = ""] = process.argv.slice(2);
/** Read at a time, before a rest: what the server sends fills its buffers and the client's meanwhile. */
const pieceBytes = 256 * 1024;
/** Node takes a connection for dead 10 s after this silence; an emulated machine hands over in up to a minute. */
const patienceMs = 60_000;
const report = { received: 0, least: 0, whole: 0, kept: 0 };
const received: number[] = [];
let finished = false;
await listens(new URL(url));
const all = Promise.all(Array.from({ length: Number(count) }, (_, i) => download(i)));
servePort(
  () => ({ ...report, received: received.reduce((sum, each) => sum + each, 0), least: Math.min(...received) }),
  async () => {
    finished = true;
    await all;
  },
);
await all;

async function download(i: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: patienceMs, maxSockets: 1 });
  const hash = createHash("sha256");
  received[i] = 0;
  let piece = 0;
  for await (const data of await request(agent, "large")) {
    hash.update(data);
    received[i] += data.length;
    piece += data.length;
    if (piece < pieceBytes || finished) continue;
    piece = 0;
    await delay(Number(restMs));
  }
  if (received[i] !== Number(bytes)) throw new Error(`${received[i]} bytes came instead of ${bytes}`);
  const digest = hash.digest("hex");
  if (digest !== sum) throw new Error(`the checksum is ${digest} instead of ${sum}`);
  report.whole += 1;
  for await (const _ of await request(agent, "last", true));
  report.kept += 1;
  agent.destroy();
}

async function request(agent: Agent, file: string, again = false): Promise<IncomingMessage> {
  const asked = get(`${url}/${file}`, { agent });
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`the server answers ${response.statusCode}`);
  if (asked.reusedSocket !== again) throw new Error(`a new connection was needed for ${file}`);
  return response;
}
