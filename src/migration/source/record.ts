import * as z from "zod";
import { migrationResult, mode } from "../../contract/migration.ts";
import { sourceState } from "../baton/source.ts";

/** Kind of the journal's records of outgoing migrations: one each, by the id of the migration, which is that of its operation. */
export const outgoingKind = "outgoing";

/**
 * `thaw`: the original runs, with its network. `restart-policy`: Docker has the original's policy again. `kill`: no process of the
 * original is left. `remove`: its container and its volumes are gone.
 */
const sourceEffect = z.enum(["thaw", "restart-policy", "kill", "remove"]);
export type SourceEffect = z.infer<typeof sourceEffect>;

/** What the source must know about a migration after a crash. */
export const outgoingRecord = z.object({
  migration: z.string(),
  container: z.string(),
  containerId: z.string(),
  destination: z.string(),
  state: sourceState,
  /** What must still happen here. */
  owed: z.array(sourceEffect),
  mode: mode.exclude(["auto"]),
  keepSource: z.boolean(),
  /** The connections continue on the destination; otherwise they end here. */
  keepConnections: z.boolean(),
  /** The source may have frozen it: only then there is something to thaw. */
  mayBeFrozen: z.boolean(),
  /** As it was before the source set it to `no`; null until then. */
  restartPolicy: z.looseObject({ Name: z.string().nullish() }).nullable(),
  /** Volumes that travelled with the container; they go from here with it. */
  volumes: z.array(z.string()),
  startedAt: z.iso.datetime(),
  /** What the operation reports when the destination is complete; null until the container runs there. */
  result: migrationResult.nullable(),
});
export type OutgoingRecord = z.infer<typeof outgoingRecord>;
