import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import findMyWay from "find-my-way";
import { GodwitError } from "../contract/errors.ts";
import { WrappedStream } from "./streams/wrapped-stream.ts";
import { answerError, rawSocketOf } from "./tls-server.ts";

/** The protocol that an HTTP upgrade asks for to turn a connection between two agents into a tunnel. */
export const tunnelProtocol = "godwit-stream";

/** Takes over the stream; a throw or rejection destroys it. `params` are the named parts of the path and its query. */
export type TunnelHandler = (
  stream: Duplex,
  params: Readonly<Record<string, string | undefined>>,
  peer: string,
) => void | Promise<void>;

export interface UpgradableServer {
  on(event: "upgrade", listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
}

/** The server's side of tunnels: which handler takes which path. */
export class TunnelRegistry {
  readonly #routes = findMyWay({ maxParamLength: 300 });
  readonly #open = new Set<Duplex>();
  readonly #onError: (path: string, error: unknown) => void;

  /** `onError` reports why a handler failed. */
  constructor(onError: (path: string, error: unknown) => void) {
    this.#onError = onError;
  }

  /** `path` such as `/v1/peer/migrations/:id/pages`; a part that begins with a colon is a parameter. */
  on(path: string, handler: TunnelHandler): void {
    // The router's own handlers belong to plain requests: a tunnel's handler is what the router stores beside them.
    this.#routes.on("GET", path, () => {}, handler);
  }

  /** Serves a server's upgrades. `identify` names the host that asks, or throws why it is refused. */
  bind(server: UpgradableServer, identify: (request: IncomingMessage) => string): void {
    server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => socket.destroy());
      try {
        const peer = identify(request);
        const { handler, params } = this.#find(request);
        const stream = this.#accept(socket, head);
        Promise.resolve()
          .then(() => handler(stream, params, peer))
          .catch((error) => {
            this.#onError(request.url ?? "/", error);
            stream.destroy();
          });
      } catch (error) {
        answerError(socket, error);
      }
    });
  }

  /** Destroys the open tunnels: a server that closes does not know an upgraded connection. */
  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #find(request: IncomingMessage): { handler: TunnelHandler; params: Record<string, string | undefined> } {
    const { url = "/", headers } = request;
    if (headers.upgrade !== tunnelProtocol) {
      throw new GodwitError("usage", `This agent cannot upgrade a connection to '${headers.upgrade}'.`);
    }
    const found = this.#routes.find("GET", url);
    if (!found) throw new GodwitError("usage", `This agent has no tunnel '${url}'.`);
    return { handler: found.store as TunnelHandler, params: { ...found.searchParams, ...found.params } };
  }

  #accept(socket: Duplex, head: Buffer): Duplex {
    if ("setTimeout" in socket && typeof socket.setTimeout === "function") socket.setTimeout(0);
    if (head.length > 0) socket.unshift(head);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${tunnelProtocol}\r\n\r\n`);
    // A TLS connection that is only destroyed looks to the other side like an ordinary end.
    const stream = new WrappedStream(socket, { onAbort: () => rawSocketOf(socket)?.resetAndDestroy() });
    // An error without a listener ends the agent. The handler reports it: what it does with the stream fails.
    stream.on("error", () => {});
    this.#open.add(stream);
    stream.once("close", () => this.#open.delete(stream));
    return stream;
  }
}
