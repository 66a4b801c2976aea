import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Peer } from "./peer.ts";
import { ResumableStream } from "./resumable.ts";

const retryMs = 250;

/**
 * A tunnel that is opened anew each time its connection breaks, for as long as it is not destroyed; what goes through it goes on.
 * @throws agent-unreachable and the like where the first connection cannot be made
 */
export async function openLastingTunnel(
  peer: Peer,
  path: string,
  wrap: (tunnel: Duplex) => Duplex,
): Promise<ResumableStream> {
  const stream = new ResumableStream(() => reconnect());
  const reconnect = async () => {
    while (!stream.destroyed && !stream.connected) {
      try {
        stream.attach(wrap(await peer.tunnel(path)));
      } catch {
        await sleep(retryMs, undefined, { ref: false });
      }
    }
  };
  stream.attach(wrap(await peer.tunnel(path)));
  return stream;
}
