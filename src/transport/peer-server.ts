import type { Duplex, Readable } from "node:stream";
import * as z from "zod";
import type { PeerCall, PeerProtocol, PeerStream, PeerUpload } from "../contract/peer/protocol.ts";
import type { TunnelRegistry } from "./tunnels.ts";

interface PeerRequest {
  /** Name of the host that asks. */
  peer: string;
  /** Of the path. */
  params: Readonly<Record<string, string>>;
}

type Handler<T> =
  T extends PeerCall<infer B, infer A>
    ? (request: PeerRequest & { body: z.output<B> }) => Promise<z.input<A>>
    : T extends PeerUpload<infer Q>
      ? (request: PeerRequest & { query: z.output<Q>; stream: Readable }) => Promise<void>
      : T extends PeerStream
        ? (request: PeerRequest & { stream: Duplex }) => Promise<void>
        : never;

/** What this host does for each line of a protocol. */
export type PeerHandlers<P extends PeerProtocol> = { [N in keyof P]: Handler<P[N]> };

/** The part of an HTTP server that is needed. */
export interface PeerServer {
  post(
    path: string,
    options: { bodyLimit?: number },
    handler: (request: { params: unknown; query: unknown; body: unknown; peer: string }) => Promise<unknown>,
  ): unknown;
}

const pathParams = z.record(z.string(), z.string());

/** Serves a protocol to other agents: what they send is parsed before a handler sees it. */
export function servePeers<P extends PeerProtocol>(
  server: PeerServer,
  tunnels: TunnelRegistry,
  protocol: P,
  handlers: PeerHandlers<P>,
): void {
  for (const [name, line] of Object.entries(protocol)) {
    // The table gives each handler the type of what its own line parses.
    const handle = handlers[name] as (request: unknown) => Promise<unknown>;
    if (line.kind === "stream") {
      tunnels.on(line.path, async (stream, params, peer) => void (await handle({ stream, params, peer })));
      continue;
    }
    const options = line.kind === "call" ? { bodyLimit: line.limit } : {};
    server.post(line.path, options, async ({ params: given, query, body, peer }) => {
      const params = pathParams.parse(given);
      if (line.kind === "call") return handle({ params, peer, body: line.body.parse(body ?? {}) });
      await handle({ params, peer, query: line.query.parse(query), stream: body });
      return {};
    });
  }
}
