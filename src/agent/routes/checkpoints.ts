import { refuseUndumpable } from "../../checkpoint/admission.ts";
import { createCheckpoint, nameAt } from "../../checkpoint/create.ts";
import { allCheckpoints, checkpointsOf } from "../../checkpoint/list.ts";
import { removeCheckpoint } from "../../checkpoint/remove.ts";
import type { CheckpointTaken } from "../../contract/checkpoint.ts";
import type { RouteTable } from "../../contract/routes.ts";
import type { RouteDeps } from "./deps.ts";

/** Checkpoints that are kept: to list, take and remove them. */
export const checkpointRoutes = (deps: RouteDeps) =>
  ({
    checkpoints: () => allCheckpoints(deps),
    checkpointsOf: ({ params }) => checkpointsOf(deps, params.container),
    checkpoint: async ({ params }) => (await deps.find.checkpoint(params.container, params.name)).source.record,

    async removeCheckpoint({ params }) {
      await removeCheckpoint(deps, params.container, params.name);
      return { removed: params.name };
    },

    async createCheckpoint({ params, body: { name = nameAt(new Date()), stop } }) {
      const { host, store, operations, find } = deps;
      const { found, name: owner } = await find.running(params.container);
      await store.refuseExisting(owner, name);
      const warnings = await refuseUndumpable(host, await host.facts(), found, stop ? "stop" : "keep");
      return operations.start({ kind: "checkpoint", container: owner, cancellable: true }, async (context) => {
        for (const { message, remedy } of warnings) context.warn(message, remedy);
        const taken = await createCheckpoint(deps, found, { name, stop }, context);
        return { ...taken, warnings: [...context.warnings] } satisfies CheckpointTaken;
      });
    },
  }) satisfies Partial<RouteTable>;
