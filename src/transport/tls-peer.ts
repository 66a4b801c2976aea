import type { IncomingMessage } from "node:http";
import { Agent } from "node:https";
import { type Duplex, PassThrough, type Readable } from "node:stream";
import { GodwitError } from "../contract/errors.ts";
import { apiPrefix, protocol, version } from "../contract/version.ts";
import { connectionError, streamError } from "./connection-error.ts";
import { exchange, protocolHeader, readJson, versionHeader } from "./http.ts";
import type { Method, Peer, PeerOptions, RequestOptions } from "./peer.ts";
import { type Credentials, clientTls } from "./tls.ts";
import { openTunnel } from "./tunnel-client.ts";

const answerTimeoutMs = 30_000;
const tunnelTimeoutMs = 10_000;

/** Another agent over mutual TLS 1.3. Connections are kept, so that a request in a switchover pays no handshake. */
export class TlsPeer implements Peer {
  readonly name: string;
  readonly address: string;
  readonly #agent: Agent;
  readonly #tls: ReturnType<typeof clientTls>;

  /** `address` is `HOST:PORT`. */
  constructor(name: string, address: string, credentials: Credentials) {
    this.name = name;
    this.address = address;
    this.#tls = clientTls(credentials, name);
    this.#agent = new Agent({
      ...this.#tls,
      ...hostAndPort(address),
      keepAlive: true,
      keepAliveMsecs: 10_000,
      noDelay: true,
      scheduling: "lifo",
    });
  }

  async json(method: Method, path: string, body?: unknown, options: PeerOptions = {}): Promise<unknown> {
    const limit = new TimeLimit(options.signal, options.timeoutMs ?? answerTimeoutMs, this);
    try {
      const response = await this.#send(method, path, { body, signal: limit.signal });
      return await readJson(response).catch((error) => Promise.reject(streamError(this, error, limit.signal)));
    } finally {
      limit.clear();
    }
  }

  async upload(path: string, body: Readable, options: PeerOptions = {}): Promise<unknown> {
    const limit = new TimeLimit(options.signal, options.timeoutMs ?? 0, this);
    // What broke here must not be told as a fault of the other side.
    let broken: Error | undefined;
    body.once("error", (error) => {
      broken = error;
    });
    try {
      const headers = { "content-type": "application/octet-stream" };
      const response = await this.#send("POST", path, { body, headers, signal: limit.signal });
      return await readJson(response).catch((error) => Promise.reject(streamError(this, error, limit.signal)));
    } catch (error) {
      body.destroy();
      throw broken ?? error;
    } finally {
      limit.clear();
    }
  }

  async download(path: string, options: PeerOptions = {}): Promise<Readable> {
    const response = await this.#send("GET", path, { signal: options.signal });
    if (response.statusCode !== 200) await readJson(response);
    const out = new PassThrough();
    response.once("error", (error) => out.destroy(streamError(this, error, options.signal)));
    out.once("close", () => response.destroy());
    return response.pipe(out);
  }

  tunnel(path: string, options: PeerOptions = {}): Promise<Duplex> {
    return this.#guarded(options.signal, (signal) =>
      openTunnel({
        ...hostAndPort(this.address),
        tls: this.#tls,
        path,
        signal,
        timeoutMs: options.timeoutMs ?? tunnelTimeoutMs,
      }),
    );
  }

  request(method: Method, path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    return this.#send(method, path, options);
  }

  async warm(): Promise<void> {
    await this.json("GET", `${apiPrefix}/health`);
  }

  close(): void {
    this.#agent.destroy();
  }

  #target() {
    return { protocol: "https:", ...hostAndPort(this.address), agent: this.#agent };
  }

  async #send(method: Method, path: string, options: RequestOptions): Promise<IncomingMessage> {
    const { headers, body } = options;
    const response = await this.#guarded(options.signal, async (signal) => {
      const send = () => exchange(this.#target(), { method, path, headers, body, signal });
      // The other agent may have closed a kept connection in the moment it was used again; reading again is harmless.
      return method === "GET"
        ? await send().catch((error) => (isStale(error) ? send() : Promise.reject(error)))
        : await send();
    });
    const theirs = response.headers[protocolHeader];
    if (theirs === String(protocol)) return response;
    response.destroy();
    throw new GodwitError(
      "incompatible-agent",
      theirs === undefined
        ? `What listens on ${this.address} is not the agent of ${this.name}.`
        : `The agent of ${this.name} has version ${response.headers[versionHeader]} and speaks protocol ${theirs}; this one has version ${version} and speaks protocol ${protocol}.`,
      { hint: "Run the same version of godwit on both hosts." },
    );
  }

  async #guarded<T>(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    try {
      return await work(signal);
    } catch (error) {
      throw connectionError(this, error, signal);
    }
  }
}

/** The caller's signal and a time limit as one signal. */
class TimeLimit {
  readonly signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal | undefined, ms: number, peer: { name: string; address: string }) {
    this.signal = signal;
    if (ms === 0) return;
    const late = new AbortController();
    this.#timer = setTimeout(() => late.abort(tooLate(peer, ms)), ms);
    this.signal = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

const tooLate = ({ name, address }: { name: string; address: string }, ms: number) =>
  new GodwitError("agent-unreachable", `The agent of ${name} (${address}) did not answer within ${ms / 1000} s.`, {
    hint: `Look at its log on ${name}: journalctl -u godwit-agent.`,
  });

const isStale = (error: unknown) =>
  error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");

function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
