import { refuseTakenName, refuseUndumpable } from "../../checkpoint/admission.ts";
import { cloneContainer, cloneRunning } from "../../checkpoint/clone.ts";
import type { CheckpointSource } from "../../checkpoint/container/restore-from.ts";
import { refuseRestore } from "../../checks/audiences/checkpoint.ts";
import type { Operation } from "../../contract/operations.ts";
import type { CloneRequest, RouteTable } from "../../contract/routes.ts";
import { cloneTo } from "../../migration/history.ts";
import type { RouteDeps } from "./deps.ts";

/** A second container goes on from a checkpoint, or from a running container, here or on another host. */
export const cloneRoutes = (deps: RouteDeps) =>
  ({
    clone: ({ params, body: { checkpoint, ...wanted } }) =>
      checkpoint === undefined
        ? cloneOfRunning(deps, params.container, wanted)
        : cloneOfCheckpoint(deps, params.container, checkpoint, wanted),
  }) satisfies Partial<RouteTable>;

type Wanted = Pick<CloneRequest, "name" | "host">;

/** The running container stands still for a moment, and is held until the clone runs. */
async function cloneOfRunning(deps: RouteDeps, container: string, { name, host: to }: Wanted): Promise<Operation> {
  const { host, operations, find } = deps;
  const original = await find.running(container);
  const peer = otherHost(deps, to);
  await refuseTakenName(host, name, peer);
  const facts = await host.facts();
  await refuseUndumpable(host, facts, original.found, "clone");
  if (!peer) refuseRestore(facts, name);
  return operations.start({ kind: "clone", container: original.name, cancellable: true }, (context) => {
    const elsewhere = peer && ((source: CheckpointSource) => cloneTo(host, peer, source, name, context));
    return cloneRunning(deps, original.found, name, context, elsewhere);
  });
}

/** The container of the checkpoint is free meanwhile, the checkpoint is not. */
async function cloneOfCheckpoint(
  deps: RouteDeps,
  container: string,
  checkpoint: string,
  { name, host: to }: Wanted,
): Promise<Operation> {
  const { host, store, operations, find } = deps;
  const { owner, source } = await find.checkpoint(container, checkpoint);
  const peer = otherHost(deps, to);
  await refuseTakenName(host, name, peer);
  if (!peer) refuseRestore(await host.facts(), name);
  return operations.start({ kind: "clone", container: peer ? owner : name, cancellable: true }, (context) =>
    store.whileInUse(owner, checkpoint, context.id, () =>
      peer ? cloneTo(host, peer, source, name, context) : cloneContainer(deps, source, name, context),
    ),
  );
}

/** @throws no-such-host */
const otherHost = ({ host, peers }: RouteDeps, to: string | undefined) =>
  to === undefined || to === host.name ? undefined : peers.get(to);
