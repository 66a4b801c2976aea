import type { RouteTable } from "../../contract/routes.ts";
import { findMigration, isMigration, migrationOf, runningMigration } from "../../migration/view.ts";
import type { RouteDeps } from "./deps.ts";

/** Containers that leave this host. */
export const migrationRoutes = ({ outgoing, operations, find }: Pick<RouteDeps, "outgoing" | "operations" | "find">) =>
  ({
    async migrate({ params, body }) {
      const { found } = await find.container(params.container);
      return outgoing.migrate(found, body);
    },

    async plan({ params, body }) {
      const { found } = await find.container(params.container);
      return outgoing.plan(found, body);
    },

    async recover({ params, body }) {
      const { found, name } = await find.any(params.container);
      const recovery = await outgoing.recover(name, body.force);
      if (!found && recovery.outcome === "nothing-to-recover") throw find.noContainer(params.container);
      return recovery;
    },

    migrations: async () => operations.list().filter(isMigration).map(migrationOf),
    migration: async ({ params }) => migrationOf(findMigration(operations, params.id)),

    async setMigration({ params, body }) {
      const { id } = runningMigration(operations, params.id);
      outgoing.set(id, body);
      return migrationOf(operations.get(id));
    },

    async switchMigration({ params }) {
      const { id } = runningMigration(operations, params.id);
      outgoing.switchNow(id);
      return migrationOf(operations.get(id));
    },
  }) satisfies Partial<RouteTable>;
