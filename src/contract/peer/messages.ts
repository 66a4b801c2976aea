import * as z from "zod";
import { attachmentOptions } from "../attachments.ts";
import { creatableInspect } from "../create-source.ts";
import { errorReport } from "../error-report.ts";
import { containerFacts, destinationView, hostFacts } from "../facts.ts";
import { criuRestoreStats, mode } from "../migration.ts";
import {
  absolutePath,
  checkTreeName,
  containerId,
  containerName,
  contentDigest,
  imageFileName,
  imageReference,
  networkName,
  operationId,
  volumeName,
} from "../name-schemas.ts";
import { step } from "../operations.ts";

/* What agents send to each other. protocol.ts says where. */

/** Facts of a container that another host read: their names become paths, URLs and arguments here. */
const foreignContainer = containerFacts.extend({
  id: containerId,
  name: containerName,
  image: imageReference,
  imageId: contentDigest,
  mounts: z.array(containerFacts.shape.mounts.element.extend({ destination: absolutePath })),
  volumes: z.array(containerFacts.shape.volumes.element.extend({ name: volumeName })),
  networks: z.array(networkName),
  networkFacts: z.array(containerFacts.shape.networkFacts.element.extend({ name: networkName })),
  inspect: creatableInspect,
});

/** May this container come? Unless it is a dry run, the destination reserves its name. */
export const reserveRequest = z.object({
  migration: operationId,
  source: z.string(),
  protocol: z.int(),
  dryRun: z.boolean(),
  facts: hostFacts,
  container: foreignContainer,
  /** Digests of the image's layers, lowest first. */
  imageLayers: z.array(contentDigest),
  /** Trees of files that the source will send, in the order of their numbers: the writable layer first. */
  trees: z.array(
    z
      .object({
        kind: z.enum(["writable-layer", "volume", "bind"]),
        name: z.string(),
        destination: absolutePath,
        /** A single file, as a bind mount may be. */
        file: z.boolean(),
      })
      .superRefine(checkTreeName),
  ),
  choices: attachmentOptions,
});
export type ReserveRequest = z.infer<typeof reserveRequest>;

export const reservation = z.object({ facts: hostFacts, view: destinationView });
export type Reservation = z.infer<typeof reservation>;

/** An image that one host has and another may lack. */
export const wantedImage = z.object({
  reference: imageReference,
  id: contentDigest,
  layers: z.array(contentDigest),
});
export type WantedImage = z.infer<typeof wantedImage>;

/** The destination lacks the image. */
export const imageQuestion = z.object({
  /** As registries know it: `repository@sha256:...`. */
  digests: z.array(imageReference),
});
export type ImageQuestion = z.infer<typeof imageQuestion>;

export const imageAnswer = z.object({
  /** The destination has it now, from its registry. */
  fetched: z.boolean(),
  /** Otherwise, layers that the source need not send. */
  layers: z.array(contentDigest),
});
export type ImageAnswer = z.infer<typeof imageAnswer>;

const hexadecimal = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** For one connection that brings memory: what it shows first, in the clear, and the key of its TLS. */
export const memoryTicket = z.object({ ticket: hexadecimal(32), key: hexadecimal(64) });

/** Prepare for the switchover; sent again when the mode changes. */
export const armOrder = z.object({
  mode: mode.exclude(["auto"]),
  /** The container keeps its address, so that its connections continue. */
  keepConnections: z.boolean(),
  /** Shared memory as it is now: it may have grown since the reservation. */
  shared: containerFacts.shape.shared,
});
export type ArmOrder = z.infer<typeof armOrder>;

/** `data` is base64. */
const smallImage = z.object({ name: imageFileName, data: z.string() });
export type SmallImage = z.infer<typeof smallImage>;

/** All files have arrived, while the dump still runs: mount the root and let runc prepare it. */
export const filesComplete = z.object({
  /** What runc reads before it starts CRIU. */
  descriptors: smallImage,
});
export type FilesComplete = z.infer<typeof filesComplete>;

/** Everything has arrived: take the baton. */
export const batonOffer = z.object({
  /** CRIU's small images; the source sent the large ones before. */
  images: z.array(smallImage),
  /** What the container wrote to its log since the source sent the log. */
  logTail: z.array(z.object({ stream: z.enum(["stdout", "stderr"]), text: z.string() })),
});
export type BatonOffer = z.infer<typeof batonOffer>;

export const batonQuestion = z.object({ revoke: z.boolean(), forced: z.boolean() });

/** What the destination did with the baton. See src/migration/baton/destination.ts. */
export const batonStatus = z.enum(["waiting", "taken", "running", "returned", "refused"]);
export type BatonStatus = z.infer<typeof batonStatus>;

export const batonAnswer = z.object({
  status: batonStatus,
  /** The destination needs nothing more from the source. */
  complete: z.boolean(),
  steps: z.array(step),
  /** What CRIU measured of the restore; null before its end. */
  criu: criuRestoreStats.nullable().default(null),
  /**
   * When the processes had the first pages that they waited for, in ms after the destination could tell the source that they run;
   * below zero where they had them before. Null where nobody knows it, or not yet.
   */
  entryMs: z.number().nullable().default(null),
  /** What of the container's state could not be put back, a phrase each. */
  unrestored: z.array(z.string()).default([]),
  /** Why the destination refused or returned it. */
  error: errorReport.nullable(),
});
export type BatonAnswer = z.infer<typeof batonAnswer>;
