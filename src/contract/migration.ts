import * as z from "zod";
import { attachmentOptions } from "./attachments.ts";
import { errorReport } from "./error-report.ts";
import { verdict } from "./facts.ts";
import { givenName } from "./name-schemas.ts";
import { operation, progress, step } from "./operations.ts";

/** As a user asks for them. What each of them is stands in src/checks/modes.ts. */
export const modeNames = ["auto", "precopy", "postcopy", "cold"] as const;
export const mode = z.enum(modeNames);
export type Mode = z.infer<typeof mode>;
/** A mode that a migration has: `auto` has become one of the others. */
export type PlainMode = Exclude<Mode, "auto">;

export const downtimeRange = { min: 1, max: 3_600_000 };
/** Bytes per second: 1 Mbit/s to 1 Tbit/s. */
export const bandwidthRange = { min: 125_000, max: 125_000_000_000 };

const downtimeSentence = "a downtime limit is between 1 ms and 1 h";
const downtimeLimit = z.number().min(downtimeRange.min, downtimeSentence).max(downtimeRange.max, downtimeSentence);
const rateSentence = "a bandwidth is between 1 Mbit/s and 1 Tbit/s, or unlimited";
/** Bytes per second; null: unlimited. */
const rate = z.number().min(bandwidthRange.min, rateSentence).max(bandwidthRange.max, rateSentence).nullable();

/** What pre-copy does when another round would not bring the downtime down any more. */
export const noConvergenceActions = ["postcopy", "switchover", "abort"] as const;
export const noConvergence = z.enum(noConvergenceActions);
export type NoConvergence = z.infer<typeof noConvergence>;

/** Of zstd. */
export const compressionLevels = { min: 1, max: 19 };
export const compression = z.union([
  z.enum(["auto", "off"]),
  z.int().min(compressionLevels.min).max(compressionLevels.max),
]);
export type Compression = z.infer<typeof compression>;

/** What becomes of unread events and of connections that are not accepted, if the program does not handle them in time. */
export const inFlightActions = ["lose", "refuse"] as const;
export type InFlightAction = (typeof inFlightActions)[number];

/** What a user asks for with `godwit migrate`. Strict: a migration must not leave out a wish that it does not know. */
export const migrateRequest = z.strictObject({
  destination: givenName("host"),
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
  /** Compare, under the freeze, all memory that has come in godwit's own rounds with the original's. */
  verify: z.boolean().default(false),
  /** Of memory that goes in rounds: a level of zstd, or the one that takes the least time, which may be none. */
  compress: compression.default("auto"),
  inFlight: z.enum(inFlightActions).default("lose"),
  ...attachmentOptions.shape,
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
  /** Memory on the destination that was compared with the original's under the freeze (--verify), in bytes; null where none was. */
  verifiedBytes: z.number().nullable().default(null),
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
  error: errorReport.nullable(),
});
export type Migration = z.infer<typeof migration>;
