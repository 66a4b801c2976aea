import type { IncomingMessage } from "node:http";
import type { Duplex, Readable } from "node:stream";

/**
 * The agent of another host. All paths begin with `/v1`.
 * Every call rejects with a GodwitError: what the other agent answered, or `agent-unreachable`, `untrusted-peer`,
 * `incompatible-agent`, or `transfer-failed` if the connection broke after the answer had begun.
 * An abort rejects with the signal's reason.
 */
export interface Peer {
  readonly name: string;
  readonly address: string;
  /** `timeoutMs`: until the whole answer is there; by default 30 s. 0: none. */
  json(method: Method, path: string, body?: unknown, options?: PeerOptions): Promise<unknown>;
  /** POST of a stream as application/octet-stream; destroyed with it. Resolves to the answer's JSON. No time limit by default. */
  upload(path: string, body: Readable, options?: PeerOptions): Promise<unknown>;
  /** GET of a stream; a broken connection is an error of the stream, never an early end. */
  download(path: string, options?: PeerOptions): Promise<Readable>;
  /**
   * A two-way stream of raw bytes to the handler that the other side has for this path (see TunnelRegistry).
   * Either direction may end before the other; destroy reaches the other side. The signal only covers the set-up.
   */
  tunnel(path: string, options?: PeerOptions): Promise<Duplex>;
  /** The bare exchange: any status, the body unread. */
  request(method: Method, path: string, options?: RequestOptions): Promise<IncomingMessage>;
  /** Opens a connection and keeps it, so that the next request does not wait for a handshake. */
  warm(): Promise<void>;
  close(): void;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export interface PeerOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

export interface RequestOptions extends PeerOptions {
  headers?: Record<string, string>;
  /** Text, Buffer and Readable are sent as they are, anything else as JSON. */
  body?: unknown;
}
