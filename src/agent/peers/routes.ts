import type { FastifyInstance } from "fastify";
import type { CheckpointDeps } from "../../checkpoint/deps.ts";
import { historyProtocol, migrationProtocol } from "../../contract/peer/protocol.ts";
import type { IncomingMigrations } from "../../migration/destination/incoming-migrations.ts";
import { receiveMigrations } from "../../migration/destination/migrate.ts";
import { receiveHistory } from "../../migration/receive-history.ts";
import type { Operations } from "../../operations/operations.ts";
import { type PeerServer, servePeers } from "../../transport/peer-server.ts";
import type { TunnelRegistry } from "../../transport/tunnels.ts";

export interface PeerRoutesDeps {
  incoming: IncomingMigrations;
  history: CheckpointDeps;
  operations: Operations;
  tunnels: TunnelRegistry;
}

/** Serves the protocol between agents. `request.peer` is the name of the host that asks. */
export function registerPeerRoutes(
  app: FastifyInstance,
  { incoming, history, operations, tunnels }: PeerRoutesDeps,
): void {
  const server = app as unknown as PeerServer;
  servePeers(server, tunnels, migrationProtocol, receiveMigrations(incoming));
  servePeers(server, tunnels, historyProtocol, receiveHistory(history, operations));
}
