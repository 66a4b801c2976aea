import type { CheckpointDeps } from "../../checkpoint/deps.ts";
import type { Lookup } from "../../checkpoint/lookup.ts";
import type { AgentUsage } from "../../contract/routes.ts";
import type { OutgoingMigrations } from "../../migration/source/outgoing-migrations.ts";
import type { Operations } from "../../operations/operations.ts";
import type { Peers } from "../peers/peers.ts";

/**
 * What the routes of an agent work with. A file of routes picks of it what it uses.
 * A route that takes longer than a second refuses at once what can be refused at once, and then begins an operation.
 */
export interface RouteDeps extends CheckpointDeps {
  operations: Operations;
  find: Lookup;
  outgoing: Pick<OutgoingMigrations, "migrate" | "plan" | "set" | "switchNow" | "recover">;
  peers: Peers;
  usage: () => AgentUsage;
}
