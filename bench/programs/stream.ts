// stream listen NAME PEER ADDRESS:PORT           accepts streams of both kinds until it is ended
// stream send raw|tls PEER ADDRESS:PORT MIB      sends MIB mebibytes, and prints the seconds until the other side has them all
// Measures how long bytes take between two hosts. `tls` uses one stream of the agents' own kind, with their certificates. `raw` uses
// bare TCP on PORT + 1, and shows what the link carries.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import type { Duplex, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { Tickets } from "../../src/transport/tickets.ts";
import { readCredentials } from "../../src/transport/tls.ts";
import { TlsPeer } from "../../src/transport/tls-peer.ts";
import { listenTls } from "../../src/transport/tls-server.ts";
import { TunnelRegistry } from "../../src/transport/tunnels.ts";

const path = "/v1/peer/bench";
/** The size of the pieces in which a socket delivers CRIU's pages. */
const pieceBytes = 64 * 1024;

const [verb, ...args] = process.argv.slice(2);
if (verb === "listen") await listen(args);
else if (verb === "send") {
  console.log((await send(args)).toFixed(3));
  // Connections that are kept for another request would keep this process running.
  process.exit(0);
}

async function listen([, peer = "", address = ""]: string[]): Promise<void> {
  const { host, port } = split(address);
  const http = createHttpServer();
  const tunnels = new TunnelRegistry((path, error) => console.error(`${path}:`, error));
  tunnels.on(path, answerEnd);
  tunnels.bind(http, () => peer);
  const onRefused = (from: string, report: { message: string }) => console.error(from, report.message);
  await listenTls({ credentials: credentials(), hosts: [peer], host, port, http, tickets: new Tickets(), onRefused });
  const raw = createServer({ allowHalfOpen: true }, answerEnd).listen(port + 1, host);
  await once(raw, "listening");
  console.log("listening");
}

/** Reads a stream to its end, then ends the other direction: so the sender sees that all bytes have arrived. */
function answerEnd(stream: Duplex): void {
  stream.on("error", () => {});
  stream.resume();
  stream.once("end", () => stream.end());
}

async function send([kind, peer = "", address = "", mebibytes = ""]: string[]): Promise<number> {
  const { host, port } = split(address);
  const pieces = Array.from({ length: 16 }, () => randomBytes(pieceBytes));
  const begun = performance.now();
  const stream =
    kind === "tls"
      ? await new TlsPeer(peer, address, credentials()).tunnel(path)
      : connect({ host, port: port + 1, noDelay: true, allowHalfOpen: true });
  stream.resume();
  const total = (Number(mebibytes) * 2 ** 20) / pieceBytes;
  for (let i = 0; i < total; i++) await write(stream, pieces[i % pieces.length] ?? Buffer.alloc(0));
  stream.end();
  await finished(stream);
  return (performance.now() - begun) / 1000;
}

async function write(stream: Writable, piece: Buffer): Promise<void> {
  if (!stream.write(piece)) await once(stream, "drain");
}

function credentials() {
  const found = readCredentials("/etc/godwit/pki");
  if (!found) throw new Error("this host has no certificate of an agent");
  return found;
}

function split(address: string): { host: string; port: number } {
  const [host = "", port = ""] = address.split(":");
  return { host, port: Number(port) };
}
