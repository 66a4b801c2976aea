import type { Operations } from "../operations/operations.ts";
import type { CheckpointDeps } from "./deps.ts";
import type { Lookup } from "./lookup.ts";

/**
 * Removes a checkpoint of godwit's or of Docker's, also one that cannot be read.
 * @throws no-such-container, no-such-checkpoint, or busy where an operation holds the container or reads the checkpoint
 */
export async function removeCheckpoint(
  { host, store, operations, find }: CheckpointDeps & { operations: Operations; find: Lookup },
  container: string,
  name: string,
): Promise<void> {
  const { owner, source } = await find.removable(container, name);
  operations.assertFree(owner);
  store.refuseInUse(owner, name);
  if (source?.record.origin === "docker") await host.engine.removeCheckpoint(source.record.containerId, name);
  else await store.remove(owner, name);
}
