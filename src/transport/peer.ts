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
  /** `HOST:PORT`. */
  readonly address: string;
  /** `timeoutMs`: until the whole answer has arrived; 30 s by default, 0 for no limit. */
  json(method: Method, path: string, body?: unknown, options?: PeerOptions): Promise<unknown>;
  /**
   * POST of a stream as application/octet-stream. Resolves to the answer's JSON. A failure destroys the stream; the
   * stream's own error is the one that rejects. No time limit by default.
   */
  upload(path: string, body: Readable, options?: PeerOptions): Promise<unknown>;
  /**
   * A two-way stream of raw bytes to the handler that the other side has for this path (see TunnelRegistry).
   * Either direction may end before the other; the other side sees a destroy as a reset. The signal covers the set-up only.
   */
  tunnel(path: string, options?: PeerOptions): Promise<Duplex>;
  /** One request: the answer has any status, and its body is unread. */
  request(method: Method, path: string, options?: RequestOptions): Promise<IncomingMessage>;
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

/** Of an address of the form `HOST:PORT`; an IPv6 address may stand in brackets. */
export function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
