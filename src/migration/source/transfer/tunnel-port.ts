import type { Socket } from "node:net";
import type { PeerStream } from "../../../contract/peer/protocol.ts";
import type { Peer } from "../../../transport/peer.ts";
import { type PathParams, streamToPeer } from "../../../transport/peer-calls.ts";
import { listenLoopback } from "../../../transport/streams/loopback.ts";
import type { RateLimit } from "../../../transport/streams/rate-limit.ts";
import { type ByteCounter, counted, joinStreams } from "../../../transport/streams/streams.ts";

export interface TunnelPort {
  /** Of 127.0.0.1, for one connection. */
  port: number;
  close: () => Promise<void>;
}

/** Opens a stream to the destination for a program of this host, which reaches it through a port. Counts what goes through. */
export async function tunnelPort(
  peer: Peer,
  stream: PeerStream,
  params: PathParams,
  { counter, rate, signal }: { counter: ByteCounter; rate?: RateLimit | undefined; signal?: AbortSignal | undefined },
): Promise<TunnelPort> {
  const tunnel = counted(await streamToPeer(peer, stream, params, { signal }), counter, rate);
  tunnel.on("error", () => {});
  const loopback = await listenLoopback({
    once: true,
    // The program at the port sees a broken tunnel as a closed connection, and reports it.
    onConnection: (socket: Socket) => joinStreams(socket, tunnel).catch(() => {}),
  });
  return {
    port: loopback.port,
    async close() {
      await loopback.close();
      tunnel.destroy();
    },
  };
}
