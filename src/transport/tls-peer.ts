import type { IncomingMessage } from "node:http";
import { Agent } from "node:https";
import type { Duplex, Readable } from "node:stream";
import { GodwitError } from "../contract/errors.ts";
import { protocol, version } from "../contract/version.ts";
import { connectionError, streamError } from "./connection-error.ts";
import { exchange, protocolHeader, readJson, versionHeader } from "./http.ts";
import { hostAndPort, type Method, type Peer, type PeerOptions, type RequestOptions } from "./peer.ts";
import { type Credentials, clientTls } from "./tls.ts";
import { openTunnel } from "./tunnel-client.ts";

const answerTimeoutMs = 30_000;
const tunnelTimeoutMs = 10_000;

/** Another agent over mutual TLS 1.3. Connections are kept, so that a request in a switchover waits for no handshake. */
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
    using limit = new TimeLimit(options.signal, options.timeoutMs ?? answerTimeoutMs, this);
    return await this.#answer(method, path, { body, signal: limit.signal });
  }

  async upload(path: string, body: Readable, options: PeerOptions = {}): Promise<unknown> {
    using limit = new TimeLimit(options.signal, options.timeoutMs ?? 0, this);
    // An error of the stream is one of this host: it must not be reported as one of the connection.
    let broken: Error | undefined;
    body.once("error", (error) => {
      broken = error;
    });
    try {
      const headers = { "content-type": "application/octet-stream" };
      return await this.#answer("POST", path, { body, headers, signal: limit.signal });
    } catch (error) {
      body.destroy();
      throw broken ?? error;
    }
  }

  tunnel(path: string, { signal, timeoutMs = tunnelTimeoutMs }: PeerOptions = {}): Promise<Duplex> {
    const target = { ...hostAndPort(this.address), tls: this.#tls, path, signal, timeoutMs };
    return this.#explained(openTunnel(target), signal);
  }

  async request(method: Method, path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    const { headers, body, signal } = options;
    const send = () => exchange(this.#target(), { method, path, headers, body, signal });
    // The other agent may close a kept connection just as this request takes it. A GET may be sent a second time.
    const again = (error: unknown) => (method === "GET" && isStale(error) ? send() : Promise.reject(error));
    const response = await this.#explained(send().catch(again), signal);
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

  close(): void {
    this.#agent.destroy();
  }

  #target() {
    return { protocol: "https:", ...hostAndPort(this.address), agent: this.#agent };
  }

  async #answer(method: Method, path: string, options: RequestOptions): Promise<unknown> {
    const response = await this.request(method, path, options);
    return readJson(response).catch((error) => Promise.reject(streamError(this, error, options.signal)));
  }

  /** @throws what the failure of a connection means to a user */
  #explained<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return answer.catch((error) => Promise.reject(connectionError(this, error, signal)));
  }
}

/** The caller's signal and a time limit as one signal; 0 ms is no limit. The limit ends with its scope. */
class TimeLimit implements Disposable {
  readonly signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal | undefined, ms: number, peer: { name: string; address: string }) {
    this.signal = signal;
    if (ms === 0) return;
    const late = new AbortController();
    this.#timer = setTimeout(() => late.abort(tooLate(peer, ms)), ms);
    this.signal = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

const tooLate = ({ name, address }: { name: string; address: string }, ms: number) =>
  new GodwitError("agent-unreachable", `The agent of ${name} (${address}) did not answer within ${ms / 1000} s.`, {
    hint: `Look at its log on ${name}: journalctl -u godwit-agent.`,
  });

const isStale = (error: unknown) =>
  error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
