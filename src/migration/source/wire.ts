import type { Socket } from "node:net";
import { listenLoopback } from "../../transport/loopback.ts";
import type { Peer } from "../../transport/peer.ts";
import type { RateLimit } from "../../transport/rate-limit.ts";
import { type ByteCounter, counted, joinStreams } from "../../transport/streams.ts";

/**
 * Opens a tunnel to the destination and gives a port of 127.0.0.1 that a program on this host reaches it through, for one
 * connection. What goes through is counted, and goes at the pace of the limit.
 */
export async function tunnelPort(
  peer: Peer,
  path: string,
  counter: ByteCounter,
  rate?: RateLimit,
  signal?: AbortSignal,
): Promise<{ port: number; close: () => Promise<void> }> {
  const tunnel = counted(await peer.tunnel(path, { signal }), counter, rate);
  tunnel.on("error", () => {});
  const loopback = await listenLoopback({
    once: true,
    // The program at the port sees a broken tunnel as a closed connection, and says so.
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
