import { z } from "zod";
import type { ErrorReport } from "./errors.ts";
import { containerFacts, destinationView, hostFacts, verdict } from "./facts.ts";
import { step } from "./operations.ts";

export const modes = ["auto", "precopy", "postcopy", "cold"] as const;
export const mode = z.enum(modes);
export type Mode = z.infer<typeof mode>;

/** What a user asks for with `godwit migrate`. */
export const migrateRequest = z.object({
  destination: z.string(),
  mode: mode.default("auto"),
  dryRun: z.boolean().default(false),
  /** Keep the original on the source, stopped, instead of removing it. */
  keepSource: z.boolean().default(false),
});
export type MigrateRequest = z.infer<typeof migrateRequest>;

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

export const migrationResult = z.object({
  migration: z.string(),
  container: z.string(),
  source: z.string(),
  destination: z.string(),
  mode: mode.exclude(["auto"]),
  /** Id of the container on the destination. */
  id: z.string(),
  /** From the freeze on the source to the resume on the destination, in ms, on the source's clock (it includes the way back of the answer). */
  downtimeMs: z.number(),
  totalMs: z.number(),
  setupMs: z.number(),
  wireBytes: z.number(),
  memoryBytes: z.number(),
  steps: z.array(step),
  warnings: z.array(z.string()),
});
export type MigrationResult = z.infer<typeof migrationResult>;

/** source -> destination: may this container come? Answered with a `Reservation`, nothing is changed by asking with `dryRun`. */
export const migrationOffer = z.object({
  migration: z.string(),
  source: z.string(),
  protocol: z.int(),
  dryRun: z.boolean(),
  facts: hostFacts,
  container: containerFacts,
  /** Digests of the image's layers, lowest first. */
  imageLayers: z.array(z.string()),
  /** Trees of files that will be sent, in the order of their numbers: the writable layer first. */
  trees: z.array(z.object({ kind: z.enum(["writable-layer", "volume"]), name: z.string(), destination: z.string() })),
});
export type MigrationOffer = z.infer<typeof migrationOffer>;

export const reservation = z.object({ facts: hostFacts, view: destinationView });
export type Reservation = z.infer<typeof reservation>;

/** Where the baton of a migration is, as one side says it. See src/migration/baton.ts. */
export const batonWord = z.enum(["waiting", "taken", "running", "returned", "refused"]);
export type BatonWord = z.infer<typeof batonWord>;

/** source -> destination: everything is there; take it. */
export const batonOffer = z.object({
  /** CRIU's small images; large ones were sent before. `data` is base64. */
  images: z.array(z.object({ name: z.string(), data: z.string() })),
  processes: z.array(z.object({ pid: z.int(), command: z.string() })),
  /** What it said since its log was sent. */
  logTail: z.array(z.object({ stream: z.enum(["stdout", "stderr"]), text: z.string() })),
  /** Whether the container gets the address that it had, so that its connections go on. */
  keepConnections: z.boolean(),
});
export type BatonOffer = z.infer<typeof batonOffer>;

/** destination -> source: its word about the baton. */
export const batonAnswer = z.object({
  word: batonWord,
  /** It needs nothing more from the source. */
  complete: z.boolean(),
  steps: z.array(step),
  /** Why it was refused or returned. */
  error: z.custom<ErrorReport>().nullable(),
});
export type BatonAnswer = z.infer<typeof batonAnswer>;
