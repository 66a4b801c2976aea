import type { RouteTable } from "../../contract/routes.ts";
import { checkpointRoutes } from "./checkpoints.ts";
import { cloneRoutes } from "./clones.ts";
import { containerRoutes } from "./containers.ts";
import type { RouteDeps } from "./deps.ts";
import { hostRoutes } from "./hosts.ts";
import { migrationRoutes } from "./migrations.ts";
import { operationRoutes } from "./operations.ts";
import { restoreRoutes } from "./restores.ts";

/** All routes of src/contract/routes.ts. The compiler names one that no file implements. */
export function agentRoutes(deps: RouteDeps): RouteTable {
  return {
    ...hostRoutes(deps),
    ...containerRoutes(deps),
    ...checkpointRoutes(deps),
    ...restoreRoutes(deps),
    ...cloneRoutes(deps),
    ...migrationRoutes(deps),
    ...operationRoutes(deps),
  };
}
