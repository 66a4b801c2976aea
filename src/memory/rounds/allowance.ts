import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { RateLimit } from "../../transport/streams/rate-limit.ts";

const pieceBytes = 64 * 1024;
/** A block of godwit-memory goes whole, so more than one of them must be allowed at a time. */
const mostAhead = 512 * 1024;
/** How soon a limit that somebody sets or lifts is noticed, and what was sent, in ms. */
const lookEveryMs = 50;
const waitMs = 5;
const unlimited = -1n;

/**
 * Lets godwit-memory send no faster than a limit, which may change meanwhile. `out` is its descriptor 3; `sent` tells the bytes that it
 * has sent.
 */
export async function allow(out: Writable, rate: RateLimit, sent: () => number, signal: AbortSignal): Promise<void> {
  /** Of a limit: what had been sent when it began, and what was allowed since. */
  let limited: { from: number; allowed: number } | undefined;
  while (!signal.aborted) {
    if (rate.open) {
      if (limited) tell(out, unlimited);
      limited = undefined;
      await pause(lookEveryMs, signal);
      continue;
    }
    if (!limited) tell(out, 0n);
    limited ??= { from: sent(), allowed: 0 };
    if (limited.allowed - (sent() - limited.from) > mostAhead) {
      await pause(waitMs, signal);
      continue;
    }
    await rate.take(pieceBytes);
    tell(out, BigInt(pieceBytes));
    limited.allowed += pieceBytes;
  }
  if (limited) tell(out, unlimited);
}

const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {});

function tell(out: Writable, bytes: bigint): void {
  const message = Buffer.alloc(8);
  message.writeBigInt64LE(bytes);
  out.write(message);
}
