import { migrationProtocol } from "../../../contract/peer-protocol.ts";
import type { Log } from "../../../operations/log.ts";
import type { Peer } from "../../../transport/peer.ts";
import { callPeer } from "../../../transport/peer-calls.ts";

/** Well within the time that a destination waits for a sign of its source. */
const everyMs = 20_000;

/** Tells the destination that the migration is under way, however long one request of it takes. */
export function startHeartbeat(peer: Peer, migration: string, log: Log): Disposable {
  const timer = setInterval(() => {
    const question = { revoke: false, forced: false };
    callPeer(peer, migrationProtocol.baton, { migration }, question, { timeoutMs: everyMs }).catch((error) =>
      log.info({ err: error, migration }, "the destination did not answer a heartbeat"),
    );
  }, everyMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
