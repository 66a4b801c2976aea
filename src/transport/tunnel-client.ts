import { request as tlsRequest } from "node:https";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as tlsConnect } from "node:tls";
import { GodwitError } from "../contract/errors.ts";
import { readJson, versionHeaders } from "./http.ts";
import { WrappedStream } from "./streams/wrapped-stream.ts";
import { tunnelProtocol } from "./tunnels.ts";

export interface TunnelTarget {
  host: string;
  port: number;
  tls: ConnectionOptions;
  path: string;
  signal: AbortSignal | undefined;
  timeoutMs: number;
}

/** Asks for the upgrade of a new connection, and resolves to its raw bytes. */
export function openTunnel({ host, port, tls, path, signal, timeoutMs }: TunnelTarget): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const raw = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const request = tlsRequest({
      path,
      headers: { ...versionHeaders, host, connection: "Upgrade", upgrade: tunnelProtocol },
      createConnection: () => tlsConnect({ ...tls, socket: raw }),
    });
    const timer = setTimeout(
      () => request.destroy(Object.assign(new Error("no answer came in time"), { code: "ETIMEDOUT" })),
      timeoutMs,
    );
    const abort = () => request.destroy(new Error("aborted"));
    signal?.addEventListener("abort", abort);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const fail = (error: unknown) => {
      settle();
      raw.destroy();
      reject(error);
    };
    raw.on("error", (error) => request.destroy(error));
    request.on("error", fail);
    request.once("upgrade", (_response, socket, head) => {
      settle();
      if (head.length > 0) socket.unshift(head);
      // See TunnelRegistry: only a reset tells the other side that this is not an ordinary end.
      resolve(new WrappedStream(socket, { onAbort: () => raw.resetAndDestroy() }));
    });
    request.once("response", (response) => {
      readJson(response).then(
        () => fail(new GodwitError("incompatible-agent", "The other agent did not open the tunnel.")),
        fail,
      );
    });
    request.end();
  });
}
