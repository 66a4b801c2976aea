import { once } from "node:events";
import { type Server as HttpServer, STATUS_CODES } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { type ErrorReport, errorCatalogue, errorReport } from "../contract/errors.ts";
import { versionHeaders } from "./http.ts";
import type { Tickets } from "./tickets.ts";
import { type Credentials, peerName, serverTls } from "./tls.ts";

export interface TlsListener {
  readonly port: number;
  /** Stops listening and destroys every connection. */
  close(): Promise<void>;
}

export interface TlsListenerOptions {
  credentials: Credentials;
  /** Names of the hosts that may call. */
  hosts: readonly string[];
  host: string;
  port: number;
  /** Gets the connections of callers that may, and no others. It does not listen itself. */
  http: HttpServer;
  /** Gets connections that begin with a ticket. */
  tickets: Tickets;
  onRefused: (from: string, report: ErrorReport) => void;
}

/**
 * Listens for other agents. A caller whose certificate is not valid gets an error's answer before any of its bytes
 * reaches HTTP: TLS's own refusal would be a closed connection without a reason.
 */
export async function listenTls(options: TlsListenerOptions): Promise<TlsListener> {
  const { credentials, hosts, http, tickets } = options;
  const open = new Set<Socket>();
  const tls = createTlsServer(serverTls(credentials));
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
    open.add(raw);
    raw.once("close", () => open.delete(raw));
    // An error without a listener ends the agent. The TLS connection on it reports the same one.
    raw.on("error", () => {});
    tickets.sort(raw, (other) => tls.emit("connection", other));
  });
  tls.on("secureConnection", (socket) => {
    // HTTP reports an error to the request that it breaks. A refused caller that is gone needs no report.
    socket.on("error", () => {});
    const from = `${socket.remoteAddress}:${socket.remotePort}`;
    for (const raw of open) if (`${raw.remoteAddress}:${raw.remotePort}` === from) rawSockets.set(socket, raw);
    try {
      peerName(socket, hosts);
      http.emit("connection", socket);
    } catch (error) {
      options.onRefused(from, errorReport(error));
      answerError(socket, error);
    }
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of open) socket.destroySoon();
      await closed;
    },
  };
}

/** Ends a connection with an error's answer, without HTTP's own server. */
export function answerError(socket: Duplex, error: unknown): void {
  const report = errorReport(error);
  const status = errorCatalogue[report.code].status;
  const body = JSON.stringify({ error: report });
  const head = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    connection: "close",
    ...versionHeaders,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  // Reads to the end what the caller still sends: TCP resets a connection closed on unread bytes, and the answer is lost.
  socket.resume();
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), 2_000).unref();
  socket.once("end", () => socket.destroy());
  socket.once("close", () => clearTimeout(timer));
}

const rawSockets = new WeakMap<object, Socket>();

/** The TCP connection under a connection that listenTls accepted. */
export const rawSocketOf = (socket: object): Socket | undefined => rawSockets.get(socket);
