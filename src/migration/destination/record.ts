import * as z from "zod";
import { migrationOffer } from "../../contract/migration.ts";
import { destinationState } from "../baton/destination.ts";

/** Kind of the journal's records of what arrives; one a migration, by its id. */
export const arrivalKind = "arrival";

/** What the destination must know about a migration after a crash. */
export const arrivalRecord = z.object({
  offer: migrationOffer.omit({ facts: true }),
  state: destinationState,
  /** Docker was asked to create its container: there may be one though its id was not heard any more. */
  creating: z.boolean().default(false),
  /** Id of the container that was created for it, once there is one. */
  created: z.string().nullable(),
  /** Volumes that were created for it. */
  volumes: z.array(z.string()),
  /** Networks that were made for it. */
  networks: z.array(z.string()).default([]),
  /** Sources of bind mounts that were made for it, and the folders above them that were. */
  paths: z.array(z.string()).default([]),
  folders: z.array(z.string()).default([]),
  startedAt: z.iso.datetime(),
});
export type ArrivalRecord = z.infer<typeof arrivalRecord>;
