import { Socket } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TLSSocket } from "node:tls";
import { beforeWrite, type RateLimit } from "./rate-limit.ts";
import { WrappedStream } from "./wrapped-stream.ts";

/**
 * Joins two two-way streams until both directions have ended. The end of one direction is passed on and leaves the
 * other direction open. An error or destroy of either stream destroys both and rejects.
 */
export async function joinStreams(a: Duplex, b: Duplex): Promise<void> {
  // A plain socket that is destroyed sends an ordinary end. The other side must not take a cut for an end.
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
  // Only TCP has resets. A socket without an address is a pipe to a program of this host, or is no longer connected.
  const resets =
    stream instanceof Socket && !(stream instanceof TLSSocket) && (stream.remoteAddress || stream.connecting);
  if (resets && !stream.destroyed) stream.resetAndDestroy();
  else stream.destroy();
}

/**
 * TLS gives 16 KiB at a time. What comes from a stream in one turn of the event loop is written to the next one at once, because each
 * write wakes whoever reads there. Call it before the two are joined.
 */
export function gather(from: Readable, to: Writable): void {
  from.on("data", () => {
    if (to.writableCorked > 0) return;
    to.cork();
    setImmediate(() => to.uncork());
  });
}

/** Bytes that a counted stream has carried so far; the directions are those of its user. */
export interface ByteCounter {
  sent: number;
  received: number;
  /** Bytes that did not have to be sent, because they were compressed. */
  saved?: number;
}

/** The same stream with its bytes counted and its writes at the rate of a limit. Nothing else may use `inner` any more. */
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
