import * as z from "zod";
import { creatableInspect } from "./create-source.ts";
import { GodwitError } from "./errors.ts";
import {
  absolutePath,
  checkpointName,
  checkTreeName,
  containerId,
  containerName,
  contentDigest,
  imageReference,
  issuesOf,
} from "./name-schemas.ts";

/** What a clone of a running container goes on from is nobody's checkpoint; no user can give one this name. */
export const transientCheckpointName = ".passing";

/** A kept checkpoint. Its folder in the store holds `record.json` (this), `images/`, `trees/N/`, and `manifest.json` with a hash of each file. */
export const checkpointRecord = z.object({
  name: z.union([checkpointName, z.literal(transientCheckpointName)]),
  /** Container that it was taken from: name at that time, and id. */
  container: containerName,
  containerId,
  image: imageReference,
  imageId: contentDigest,
  /** Digests of its layers, lowest first: they say what is in it on every host. Empty in what Docker, or an older agent, made. */
  imageLayers: z.array(contentDigest).default([]),
  createdAt: z.iso.datetime(),
  /** The checkpoint that the container had last been taken to or from, if any. */
  parent: checkpointName.nullable(),
  /** `godwit`, or `docker` for what `docker checkpoint create` made: that holds memory only, no files. */
  origin: z.enum(["godwit", "docker"]),
  criuVersion: z.string().nullable(),
  architecture: z.string(),
  memoryBytes: z.number(),
  filesBytes: z.number(),
  /** How long the container stood still for it. */
  frozenMs: z.number().nullable(),
  /** Bytes of memory that were copied meanwhile, where the others were copied before. Null where CRIU wrote all of it meanwhile. */
  frozenBytes: z.number().nullable().default(null),
  /** Processes at that instant, by the ids they see themselves: what a restore is verified against. */
  processes: z.array(z.object({ pid: z.int().positive(), command: z.string() })),
  /** Saved file trees in the order of their folders: the writable layer first, then volumes. */
  trees: z.array(
    z
      .object({ kind: z.enum(["writable-layer", "volume"]), name: z.string(), destination: absolutePath })
      .superRefine(checkTreeName),
  ),
  /** `docker inspect` of that time: what a restore into a new container is created from. */
  inspect: creatableInspect,
});
export type CheckpointRecord = z.infer<typeof checkpointRecord>;

/** What is told of a checkpoint without being asked for all of it. */
export const checkpointSummary = checkpointRecord
  .omit({ inspect: true, processes: true, trees: true, imageLayers: true })
  .extend({
    /** Whether it was taken of another container, which had the same name before the present one. */
    foreign: z.boolean(),
  });
export type CheckpointSummary = z.infer<typeof checkpointSummary>;

/** A checkpoint whose record cannot be read. */
export const damagedCheckpoint = z.object({ container: z.string(), name: z.string(), damaged: z.literal(true) });
export type DamagedCheckpoint = z.infer<typeof damagedCheckpoint>;

/** What `godwit checkpoint ls` lists. */
export const listedCheckpoint = z.union([checkpointSummary, damagedCheckpoint]);
export type ListedCheckpoint = z.infer<typeof listedCheckpoint>;

/** Result of an operation of kind checkpoint. */
export const checkpointTaken = checkpointSummary.extend({ warnings: z.array(z.string()) });
export type CheckpointTaken = z.infer<typeof checkpointTaken>;

/** @param text of a `record.json` @throws invalid-checkpoint, with the field that does not fit */
export function parseCheckpointRecord(text: string): CheckpointRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GodwitError("invalid-checkpoint", "The record of the checkpoint is no JSON.", { cause: error });
  }
  const parsed = checkpointRecord.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new GodwitError("invalid-checkpoint", `The record of the checkpoint does not fit: ${issuesOf(parsed.error)}.`, {
    hint: "It was changed or damaged; remove the checkpoint, and create another one.",
    cause: parsed.error,
  });
}
