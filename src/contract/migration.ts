import * as z from "zod";
import { belongings } from "./belongings.ts";
import { creatableInspect } from "./create-source.ts";
import type { ErrorReport } from "./errors.ts";
import { containerFacts, destinationView, hostFacts, verdict } from "./facts.ts";
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
} from "./name-schemas.ts";
import { operation, progress, step } from "./operations.ts";

export const modes = ["auto", "precopy", "postcopy", "cold"] as const;
export const mode = z.enum(modes);
export type Mode = z.infer<typeof mode>;

export const downtimeRange = { least: 1, most: 3_600_000 };
/** Bytes per second: 1 Mbit/s to 1 Tbit/s. */
export const bandwidthRange = { least: 125_000, most: 125_000_000_000 };

const downtimeSentence = "a downtime limit is between 1 ms and 1 h";
const downtimeLimit = z.number().min(downtimeRange.least, downtimeSentence).max(downtimeRange.most, downtimeSentence);
const rateSentence = "a bandwidth is between 1 Mbit/s and 1 Tbit/s, or unlimited";
/** Bytes per second; null: unlimited. */
const rate = z.number().min(bandwidthRange.least, rateSentence).max(bandwidthRange.most, rateSentence).nullable();

/** What pre-copy does when another round would not bring the downtime down any more. */
export const noConvergenceActions = ["postcopy", "switchover", "abort"] as const;
export const noConvergence = z.enum(noConvergenceActions);
export type NoConvergence = z.infer<typeof noConvergence>;

/** What a user asks for with `godwit migrate`. Strict: a wish that is not known must not be left out of a migration. */
export const migrateRequest = z.strictObject({
  destination: z.string(),
  mode: mode.default("auto"),
  /** Keep the original on the source, stopped, instead of removing it. */
  keepSource: z.boolean().default(false),
  /** Pre-copy goes to the switchover when it expects no longer one than this. */
  downtimeLimitMs: downtimeLimit.default(300),
  /** Limit of what is sent while the container runs on the source: image, files, and pre-copy's rounds. */
  bandwidth: rate.default(null),
  /** Limit of the memory that follows after the resume, in post-copy. */
  drainBandwidth: rate.default(null),
  onNoConvergence: noConvergence.default("postcopy"),
  ...belongings.shape,
});
export type MigrateRequest = z.infer<typeof migrateRequest>;

/** What can be changed while a migration runs. */
export const migrationSettings = z
  .strictObject({ downtimeLimitMs: downtimeLimit, bandwidth: rate, drainBandwidth: rate })
  .partial()
  .refine((given) => Object.values(given).some((value) => value !== undefined), "name at least one setting");
export type MigrationSettings = z.infer<typeof migrationSettings>;

/** What a migration would do, or why it cannot. */
export const migrationPlan = z.object({
  container: z.string(),
  source: z.string(),
  destination: z.string(),
  mode: mode.exclude(["auto"]),
  /** Why this mode, one sentence. */
  because: z.string(),
  sendsImage: z.boolean(),
  memoryBytes: z.number(),
  filesBytes: z.number(),
  verdicts: z.array(verdict),
});
export type MigrationPlan = z.infer<typeof migrationPlan>;

/** What CRIU measured itself: times of its own clock, pages of 4 KiB. */
export const criuDumpStats = z.object({
  /** To stop the processes; the freezer had stopped them already. */
  freezingMs: z.number(),
  /** From then until it let go of them. */
  frozenMs: z.number(),
  memoryDumpMs: z.number(),
  memoryWriteMs: z.number(),
  pagesScanned: z.number(),
  /** Unchanged since the round before. */
  pagesSkippedParent: z.number(),
  pagesWritten: z.number(),
  /** That may follow after the resume. */
  pagesLazy: z.number(),
});
export type CriuDumpStats = z.infer<typeof criuDumpStats>;

export const criuRestoreStats = z.object({
  forkingMs: z.number(),
  restoreMs: z.number(),
  pagesRestored: z.number(),
  pagesCompared: z.number(),
});
export type CriuRestoreStats = z.infer<typeof criuRestoreStats>;

export const migrationResult = z.object({
  migration: z.string(),
  container: z.string(),
  source: z.string(),
  destination: z.string(),
  mode: mode.exclude(["auto"]),
  /** Id of the container on the destination. */
  id: z.string(),
  /**
   * From the freeze on the source until the processes run on the destination, in ms: on the source's clock until it is told that they
   * were restored (which includes the way back of the answer), and from there, on the destination's, to when each of them had the
   * first pages that it waited for.
   */
  downtimeMs: z.number(),
  totalMs: z.number(),
  setupMs: z.number(),
  wireBytes: z.number(),
  memoryBytes: z.number(),
  steps: z.array(step),
  /** null where CRIU measured nothing (the dump of a post-copy), or the agent was restarted meanwhile. */
  criu: z
    .object({ dump: criuDumpStats.nullable(), restore: criuRestoreStats.nullable() })
    .default({ dump: null, restore: null }),
  warnings: z.array(z.string()),
});
export type MigrationResult = z.infer<typeof migrationResult>;

const settings = z.object({
  downtimeLimitMs: z.number(),
  bandwidth: z.number().nullable(),
  drainBandwidth: z.number().nullable(),
});

/** What an operation of kind migrate is about. */
export const migrationAbout = z.object({
  destination: z.string(),
  /** What was asked for. */
  asked: mode,
  /** What was chosen; null until both hosts have been asked. */
  mode: mode.exclude(["auto"]).nullable(),
  /** As they are now: bytes per second, null for unlimited. */
  settings,
  onNoConvergence: noConvergence,
});
export type MigrationAbout = z.infer<typeof migrationAbout>;
export type AllSettings = MigrationAbout["settings"];

/** A migration as its source tells of it, while it runs and after its end. Its id is that of its operation. */
export const migration = z.object({
  id: z.string(),
  container: z.string(),
  source: z.string(),
  ...migrationAbout.shape,
  state: operation.shape.state,
  /** Where it is, or was when it ended. */
  phase: z.string(),
  cancellable: z.boolean(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  progress: progress.nullable(),
  /** There when `state` is `done`. */
  result: migrationResult.nullable(),
  error: z.custom<ErrorReport>().nullable(),
});
export type Migration = z.infer<typeof migration>;

/** Facts whose names are made paths, URLs and arguments of, on a host that did not read them itself. */
const offeredContainer = containerFacts.extend({
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

/** source -> destination: may this container come? Answered with a `Reservation`, nothing is changed by asking with `dryRun`. */
export const migrationOffer = z.object({
  migration: operationId,
  source: z.string(),
  protocol: z.int(),
  dryRun: z.boolean(),
  facts: hostFacts,
  container: offeredContainer,
  /** Digests of the image's layers, lowest first. */
  imageLayers: z.array(contentDigest),
  /** Trees of files that will be sent, in the order of their numbers: the writable layer first. */
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
  choices: belongings,
});
export type MigrationOffer = z.infer<typeof migrationOffer>;

export const reservation = z.object({ facts: hostFacts, view: destinationView });
export type Reservation = z.infer<typeof reservation>;

/** source -> destination: prepare for the switchover; again where the mode has become another one. */
export const armOrder = z.object({
  mode: mode.exclude(["auto"]),
  /** Whether the container gets the address that it had, so that its connections go on. */
  keepConnections: z.boolean(),
  /** As it is now: it may have grown since the offer. */
  shared: containerFacts.shape.shared,
});
export type ArmOrder = z.infer<typeof armOrder>;

/** Where the baton of a migration is, as one side says it. See src/migration/baton.ts. */
export const batonWord = z.enum(["waiting", "taken", "running", "returned", "refused"]);
export type BatonWord = z.infer<typeof batonWord>;

/** source -> destination: the image is lacking there. */
export const imageQuestion = z.object({
  /** As registries know it: `repository@sha256:...`. */
  digests: z.array(imageReference),
});
export type ImageQuestion = z.infer<typeof imageQuestion>;

export const imageAnswer = z.object({
  /** It is there now, from its registry. */
  fetched: z.boolean(),
  /** Otherwise, layers that need not be sent. */
  layers: z.array(contentDigest),
});
export type ImageAnswer = z.infer<typeof imageAnswer>;

/** `data` is base64. */
const smallImage = z.object({ name: imageFileName, data: z.string() });

/** source -> destination, while the dump goes on: all files are there; mount the root and have runc prepare it. */
export const filesComplete = z.object({
  /** What runc reads before it starts CRIU. */
  descriptors: smallImage,
});
export type FilesComplete = z.infer<typeof filesComplete>;

/** source -> destination: everything is there; take it. */
export const batonOffer = z.object({
  /** CRIU's small images; large ones were sent before. */
  images: z.array(smallImage),
  /** What it said since its log was sent. */
  logTail: z.array(z.object({ stream: z.enum(["stdout", "stderr"]), text: z.string() })),
});
export type BatonOffer = z.infer<typeof batonOffer>;

/** destination -> source: its word about the baton. */
export const batonAnswer = z.object({
  word: batonWord,
  /** It needs nothing more from the source. */
  complete: z.boolean(),
  steps: z.array(step),
  /** What CRIU measured of the restore; null before its end. */
  criu: criuRestoreStats.nullable().default(null),
  /**
   * When the processes had the first pages that they waited for, in ms after the source could be told that they run; below zero
   * where they had them before. Null where that is not known, or not yet.
   */
  entryMs: z.number().nullable().default(null),
  /** Why it was refused or returned. */
  error: z.custom<ErrorReport>().nullable(),
});
export type BatonAnswer = z.infer<typeof batonAnswer>;
