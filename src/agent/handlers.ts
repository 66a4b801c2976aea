import { checkName } from "../contract/names.ts";
import type { AgentUsage, RouteName, RouteReply, RouteRequest } from "../contract/routes.ts";
import { protocol, version } from "../contract/version.ts";
import { findMigration, isMigration, migrationOf, runningMigration } from "../migration/view.ts";
import type { Operations } from "../operations/operations.ts";
import { type Peers, seeHosts } from "./hosts.ts";
import type { Services } from "./services.ts";

export type ValueRoute = Exclude<RouteName, "operationEvents" | "events">;
export type Handlers = { [N in ValueRoute]: (request: RouteRequest<N>) => Promise<RouteReply<N>> };

export interface HandlerDeps {
  name: string;
  services: Services;
  operations: Operations;
  peers: Peers;
  usage: () => AgentUsage;
}

/** What each route does. Names are checked here, once, before anything makes a path or a command of them. */
export function createHandlers({ name, services, operations, peers, usage }: HandlerDeps): Handlers {
  return {
    usage: async () => usage(),
    health: async () => ({ name, version, protocol }),
    facts: () => services.facts(),
    doctor: ({ query }) => services.doctor(query.with === undefined ? undefined : checkName("host", query.with)),
    hosts: () => seeHosts(peers),

    containers: () => services.containers(),
    container: ({ params }) => services.container(container(params)),
    checkpointsOf: ({ params }) => services.checkpoints(container(params)),
    checkpoints: () => services.checkpoints(),
    checkpoint: ({ params }) => services.checkpoint(container(params), checkName("checkpoint", params.name)),
    removeCheckpoint: async ({ params }) => {
      await services.removeCheckpoint(container(params), checkName("checkpoint", params.name));
      return { removed: params.name };
    },

    createCheckpoint: async ({ params, body }) => {
      if (body.name !== undefined) checkName("checkpoint", body.name);
      return services.createCheckpoint(container(params), body);
    },
    restore: async ({ params, body }) => {
      checkName("checkpoint", body.checkpoint);
      return services.restore(container(params), body);
    },
    rollback: async ({ params, body }) => {
      checkName("checkpoint", body.checkpoint);
      return services.rollback(container(params), body);
    },
    clone: async ({ params, body }) => {
      checkName("container", body.name);
      if (body.host !== undefined) checkName("host", body.host);
      if (body.checkpoint !== undefined) checkName("checkpoint", body.checkpoint);
      return services.clone(container(params), body);
    },
    migrate: async ({ params, body }) => {
      checkName("host", body.destination);
      return services.migrate(container(params), body);
    },
    plan: async ({ params, body }) => {
      checkName("host", body.destination);
      return services.plan(container(params), body);
    },
    recover: ({ params, body }) => services.recover(container(params), body),

    migrations: async () => operations.list().filter(isMigration).map(migrationOf),
    migration: async ({ params }) => migrationOf(findMigration(operations, params.id)),
    setMigration: async ({ params, body }) => {
      const { id } = runningMigration(operations, params.id);
      services.setMigration(id, body);
      return migrationOf(operations.get(id));
    },
    switchMigration: async ({ params }) => {
      const { id } = runningMigration(operations, params.id);
      services.switchMigration(id);
      return migrationOf(operations.get(id));
    },

    operations: async () => operations.list(),
    operation: async ({ params }) => operations.get(params.id),
    cancelOperation: async ({ params }) => operations.cancel(params.id),
  };
}

const container = (params: { container: string }) => checkName("container", params.container);
