import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { GodwitError } from "../contract/errors.ts";
import { answerError, rawSocketOf } from "./tls-server.ts";
import { WrappedStream } from "./wrapped-stream.ts";

/** Word of the HTTP upgrade that turns a connection between two agents into a tunnel. */
export const tunnelProtocol = "godwit-stream";

/** Takes over the stream; a throw or rejection destroys it. `params` are the named parts of the path and its query. */
export type TunnelHandler = (
  stream: Duplex,
  params: Readonly<Record<string, string>>,
  peer: string,
) => void | Promise<void>;

export interface UpgradableServer {
  on(event: "upgrade", listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
}

/** The server's side of tunnels: which handler takes which path. */
export class TunnelRegistry {
  readonly #routes: { parts: string[]; handler: TunnelHandler }[] = [];
  readonly #open = new Set<Duplex>();
  readonly #onError: (path: string, error: unknown) => void;

  constructor(onError: (path: string, error: unknown) => void = () => {}) {
    this.#onError = onError;
  }

  /** `path` such as `/v1/peer/migrations/:id/pages`; a part that begins with a colon is a parameter. */
  on(path: string, handler: TunnelHandler): void {
    this.#routes.push({ parts: path.split("/"), handler });
  }

  /** Serves upgrades of a server; `identify` says which host asks, or throws why it may not. */
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

  /** Destroys the tunnels that are open: a server that closes does not know them any more. */
  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #find(request: IncomingMessage): { handler: TunnelHandler; params: Record<string, string> } {
    const url = new URL(request.url ?? "/", "http://agent");
    if (request.headers.upgrade !== tunnelProtocol) {
      throw new GodwitError("usage", `This agent cannot upgrade a connection to '${request.headers.upgrade}'.`);
    }
    for (const { parts, handler } of this.#routes) {
      const params = match(parts, url.pathname);
      if (params) return { handler, params: { ...Object.fromEntries(url.searchParams), ...params } };
    }
    throw new GodwitError("usage", `This agent has no tunnel '${url.pathname}'.`);
  }

  #accept(socket: Duplex, head: Buffer): Duplex {
    if ("setTimeout" in socket && typeof socket.setTimeout === "function") socket.setTimeout(0);
    if (head.length > 0) socket.unshift(head);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${tunnelProtocol}\r\n\r\n`);
    // A TLS connection that is only destroyed looks to the other side as if it had ended in good order.
    const stream = new WrappedStream(socket, { onAbort: () => rawSocketOf(socket)?.resetAndDestroy() });
    stream.on("error", () => {});
    this.#open.add(stream);
    stream.once("close", () => this.#open.delete(stream));
    return stream;
  }
}

function match(parts: string[], path: string): Record<string, string> | undefined {
  const found = path.split("/");
  if (found.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, part] of parts.entries()) {
    const value = found[i] ?? "";
    if (part.startsWith(":")) params[part.slice(1)] = decodeURIComponent(value);
    else if (part !== value) return undefined;
  }
  return params;
}
