import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TLSSocket } from "node:tls";
import { beforeWrite, type RateLimit } from "./rate-limit.ts";
import { WrappedStream } from "./wrapped-stream.ts";

/**
 * Joins two two-way streams until both directions have ended. The end of one direction is handed on and leaves the
 * other open; an error or destroy of either destroys both and rejects.
 */
export async function joinStreams(a: Duplex, b: Duplex): Promise<void> {
  // A plain socket's destroy looks like an ordinary end to the other side: a cut must not pass for an end.
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const)
    one.once("close", () => !hasEnded(one) && abort(other));
  const both = [pipeline(a, b), pipeline(b, a)];
  try {
    await Promise.all(both);
  } catch (error) {
    for (const stream of [a, b]) abort(stream);
    await Promise.allSettled(both);
    throw error;
  }
}

const hasEnded = (stream: Duplex) => stream.readableEnded && stream.writableFinished;

/** Destroys a stream so that the other side of a TCP connection sees a reset instead of an end. */
export function abort(stream: Duplex): void {
  // Only TCP knows a reset; a socket without an address is a pipe to a program of this host, or not connected any more.
  const resets =
    stream instanceof Socket && !(stream instanceof TLSSocket) && (stream.remoteAddress || stream.connecting);
  if (resets && !stream.destroyed) stream.resetAndDestroy();
  else stream.destroy();
}

/** Bytes that went through a counted stream so far, as its user sees the directions. */
export interface ByteCounter {
  sent: number;
  received: number;
}

/** The same stream, with its bytes counted, and its writes at the pace of a limit. Use only what is returned from then on. */
export function counted(inner: Duplex, counter: ByteCounter, rate?: RateLimit): Duplex {
  return new WrappedStream(inner, {
    ...(rate ? { beforeWrite: beforeWrite(rate) } : {}),
    onRead: (bytes) => {
      counter.received += bytes;
    },
    onWrite: (bytes) => {
      counter.sent += bytes;
    },
  });
}
