import * as z from "zod";
import { migrationResult, mode } from "../../contract/migration.ts";
import { sourceState } from "../baton/source.ts";

/** Kind of the journal's records of what departs; one a migration, by its id, which is that of its operation. */
export const departureKind = "departure";

/** What the source must know about a migration after a crash. */
export const departureRecord = z.object({
  migration: z.string(),
  container: z.string(),
  containerId: z.string(),
  destination: z.string(),
  state: sourceState,
  mode: mode.exclude(["auto"]),
  keepSource: z.boolean(),
  /** Whether its connections go on there; otherwise they end here. */
  keepConnections: z.boolean().default(true),
  /** As it was before it was held at `no`; null until then. */
  restartPolicy: z.looseObject({ Name: z.string().nullish() }).nullable(),
  /** Volumes that travelled with it, and go from here when it is removed. */
  volumes: z.array(z.string()),
  startedAt: z.iso.datetime(),
  /** What the operation will say once the destination is complete; null until it runs there. */
  result: migrationResult.nullable(),
});
export type DepartureRecord = z.infer<typeof departureRecord>;
