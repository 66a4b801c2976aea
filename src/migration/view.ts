import { GodwitError } from "../contract/errors.ts";
import { type Migration, migrationAbout, migrationResult } from "../contract/migration.ts";
import type { Operation } from "../contract/operations.ts";

/** Where operations are found. */
export interface KnownOperations {
  list(): Operation[];
}

/** One that an agent of an older version began says too little of itself. */
export const isMigration = ({ kind, about }: Operation): boolean =>
  kind === "migrate" && migrationAbout.safeParse(about).success;

/** An operation of kind migrate, as a migration. */
export function migrationOf(operation: Operation): Migration {
  const { id, container, host, state, phase, cancellable, startedAt, endedAt, progress, error } = operation;
  const result = migrationResult.safeParse(operation.result).data ?? null;
  return {
    ...{ id, container, source: host },
    ...migrationAbout.parse(operation.about),
    ...{ state, phase: phase ?? "preflight", cancellable, startedAt, endedAt, progress, result, error },
  };
}

/** @throws no-such-migration */
export function findMigration(operations: KnownOperations, id: string): Operation {
  const found = operations.list().find((operation) => operation.id === id);
  if (found && isMigration(found)) return found;
  throw new GodwitError("no-such-migration", `There is no migration with the id '${id}'.`, {
    hint: "'godwit migration ls' lists them.",
  });
}

/** @throws no-such-migration, or wrong-phase where it has ended */
export function runningMigration(operations: KnownOperations, id: string): Operation {
  const found = findMigration(operations, id);
  if (found.state === "running") return found;
  throw new GodwitError("wrong-phase", `Migration ${id} of '${found.container}' has ended: ${found.state}.`, {
    hint: `See its result with: godwit migration show ${id}`,
  });
}
