import type { Peer } from "../../transport/peer.ts";
import { peerPaths } from "../peer-paths.ts";

/** Well within the time that a destination waits for a word. */
const everyMs = 20_000;

/** Lets the destination hear that the migration is under way, however long one request of it takes. */
export function keepHeard(peer: Peer, migration: string): Disposable {
  const timer = setInterval(() => {
    peer
      .json("POST", peerPaths.baton(migration), { revoke: false, forced: false }, { timeoutMs: everyMs })
      .catch(() => {});
  }, everyMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
