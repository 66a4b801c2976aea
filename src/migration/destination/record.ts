import * as z from "zod";
import { reserveRequest } from "../../contract/peer/messages.ts";
import { destinationState } from "../baton/destination.ts";

/** Kind of the journal's records of incoming migrations: one each, by the id of the migration. */
export const incomingKind = "incoming";

/**
 * `release`: the runtime hook treats the container as an ordinary one. `restart-policy`: Docker has its policy. `free-room`: its
 * memory images are gone. `kill`: no process of the copy is left. `discard`: nothing that was made for it is left.
 */
const destinationEffect = z.enum(["release", "restart-policy", "free-room", "kill", "discard"]);
export type DestinationEffect = z.infer<typeof destinationEffect>;

/** What the destination must know about a migration after a crash. */
export const incomingRecord = z.object({
  request: reserveRequest.omit({ facts: true }),
  /** Of kind `receive`: it holds the container's name. */
  operation: z.string().nullable().default(null),
  state: destinationState,
  /** What must still happen here. */
  owed: z.array(destinationEffect),
  /** Docker was asked to create its container: a container may exist although its id is not known. */
  creating: z.boolean(),
  /** Id of the container that was created for it, once there is one. */
  created: z.string().nullable(),
  /** Volumes that were created for it. */
  volumes: z.array(z.string()),
  /** Networks that were created for it. */
  networks: z.array(z.string()),
  /** Sources of bind mounts that were made for it, and the folders above them that were. */
  paths: z.array(z.string()),
  folders: z.array(z.string()),
  startedAt: z.iso.datetime(),
});
export type IncomingRecord = z.infer<typeof incomingRecord>;
