import { refuseUndumpable } from "../../checkpoint/admission.ts";
import { refuseForeign } from "../../checkpoint/find.ts";
import { restoreContainer } from "../../checkpoint/restore.ts";
import { rollbackContainer } from "../../checkpoint/rollback.ts";
import { refuseRestore } from "../../checks/audiences/checkpoint.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { RouteTable } from "../../contract/routes.ts";
import type { RouteDeps } from "./deps.ts";

/** A container goes on from a checkpoint of its own: a stopped one is restored, a running one is rolled back. */
export const restoreRoutes = (deps: RouteDeps) => {
  const { host, store, operations, find } = deps;
  return {
    async restore({ params, body: { checkpoint, foreign } }) {
      const { found, name } = await find.settled(params.container);
      if (found?.State.Running) {
        throw new GodwitError("container-running", `Container '${name}' is running.`, {
          hint: `Take it back, memory and files, with: godwit rollback ${name} ${checkpoint}`,
        });
      }
      const { source } = await find.checkpoint(params.container, checkpoint);
      if (found && !foreign) await refuseForeign(store, source, found);
      refuseRestore(await host.facts(), name);
      return operations.start({ kind: "restore", container: name, cancellable: false }, (context) =>
        restoreContainer(deps, found, source, context),
      );
    },

    async rollback({ params, body: { checkpoint, foreign } }) {
      const { found, name } = await find.running(params.container);
      const { source } = await find.checkpoint(params.container, checkpoint);
      if (!foreign) await refuseForeign(store, source, found);
      const facts = await host.facts();
      await refuseUndumpable(host, facts, found, "rollback");
      refuseRestore(facts, name);
      return operations.start({ kind: "rollback", container: name, cancellable: true }, (context) =>
        rollbackContainer(deps, found, source, context),
      );
    },
  } satisfies Partial<RouteTable>;
};
