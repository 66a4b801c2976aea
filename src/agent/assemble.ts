import type { FastifyInstance } from "fastify";
import { lookup } from "../checkpoint/lookup.ts";
import { CheckpointStore } from "../checkpoint/store/store.ts";
import type { RouteTable } from "../contract/routes.ts";
import { thisHost } from "../host/host.ts";
import type { Journal } from "../journal/journal.ts";
import { IncomingMigrations } from "../migration/destination/incoming-migrations.ts";
import { sendHistory } from "../migration/history.ts";
import { OutgoingMigrations } from "../migration/source/outgoing-migrations.ts";
import type { Log } from "../operations/log.ts";
import type { Operations } from "../operations/operations.ts";
import type { Tickets } from "../transport/tickets.ts";
import type { TunnelRegistry } from "../transport/tunnels.ts";
import type { Peers } from "./peers/peers.ts";
import { registerPeerRoutes } from "./peers/routes.ts";
import { recover } from "./recovery.ts";
import { agentRoutes } from "./routes/table.ts";
import { type BlockWatch, readUsage } from "./usage.ts";

/** What an agent has before it knows what it does. */
export interface AgentParts {
  /** Of this host. */
  name: string;
  journal: Journal;
  operations: Operations;
  peers: Peers;
  tunnels: TunnelRegistry;
  tickets: Tickets;
  blocks: BlockWatch;
  log: Log;
}

/** What an agent does. A test may put another one in the place of `assemble`. */
export interface AgentWork {
  routes: RouteTable;
  /** Adds the routes and tunnels that only other agents may use. `request.peer` is the name of the host that asks. */
  registerPeerRoutes(app: FastifyInstance): void;
  /** Called once, before the agent listens. */
  recover(): Promise<void>;
  /** Called once at the agent's end, after operations were told to cancel. */
  close(): void;
}

/** Puts the rooms of a real host together. */
export function assemble({ name, journal, operations, peers, tunnels, tickets, blocks, log }: AgentParts): AgentWork {
  const host = thisHost(name);
  const checkpoints = { host, store: new CheckpointStore(), journal };
  const ending = new AbortController();
  const incoming = new IncomingMigrations({ host, journal, operations, tickets, log });
  const outgoing = new OutgoingMigrations({
    ...{ host, journal, operations, log, peers: (other) => peers.get(other) },
    moved: (container, peer, context) => sendHistory(checkpoints, container, peer, context),
  });
  const find = lookup(checkpoints, (container) => outgoing.assertSettled(container));
  const usage = () => readUsage(blocks);
  return {
    routes: agentRoutes({ ...checkpoints, operations, find, outgoing, peers, usage }),
    registerPeerRoutes: (app) => registerPeerRoutes(app, { incoming, history: checkpoints, operations, tunnels }),
    recover: () => recover({ checkpoints, operations, incoming, outgoing, ending: ending.signal }),
    close() {
      ending.abort();
      outgoing.close();
      incoming.close();
    },
  };
}
