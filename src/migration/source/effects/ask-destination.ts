import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import type { Peer } from "../../../transport/peer.ts";
import { callPeer } from "../../../transport/peer-calls.ts";
import type { SourceWorld } from "./world.ts";

/** A restore may take longer on a slow disk; whoever asks later gets the same answer. */
const offerTimeoutMs = 30_000;
/** Longer than the destination waits for what a revoked migration leaves there (incoming.ts). */
const batonTimeoutMs = 5_000;
/** Longer than the destination lets such a request wait (incoming.ts). */
const completedTimeoutMs = 20_000;

/** `peer` throws where its host is not configured any more: it gives no answer then. */
export function askDestination(
  peer: () => Peer,
  migration: string,
): Pick<SourceWorld, "offer" | "askBaton" | "askCompleted"> {
  const params = { migration };
  return {
    offer: async (offer) => callPeer(peer(), migrationProtocol.offer, params, offer, { timeoutMs: offerTimeoutMs }),
    askBaton: async (question) =>
      callPeer(peer(), migrationProtocol.baton, params, question, { timeoutMs: batonTimeoutMs }),
    askCompleted: async () =>
      callPeer(peer(), migrationProtocol.completed, params, {}, { timeoutMs: completedTimeoutMs }),
  };
}
