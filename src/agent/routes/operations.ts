import type { RouteTable } from "../../contract/routes.ts";
import type { RouteDeps } from "./deps.ts";

/** What this host does and has done, and its events. */
export const operationRoutes = ({ operations }: Pick<RouteDeps, "operations">) =>
  ({
    operations: async () => operations.list(),
    operation: async ({ params }) => operations.get(params.id),
    cancelOperation: async ({ params }) => operations.cancel(params.id),

    operationEvents({ params, afterId, signal }) {
      const { id } = operations.get(params.id);
      return operations.subscribe({ operationId: id, afterId, signal });
    },
    events: ({ afterId, signal }) => operations.subscribe({ afterId, signal }),
  }) satisfies Partial<RouteTable>;
