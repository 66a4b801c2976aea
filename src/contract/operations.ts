import * as z from "zod";
import { errorReport } from "./error-report.ts";

export const operationKinds = ["checkpoint", "restore", "rollback", "clone", "migrate", "receive", "remove"] as const;

/**
 * Field names are those of VM operators (QEMU's query-migrate). Bytes, bytes per second, milliseconds; bytes are those of the
 * phase and iteration, `elapsed` counts from the operation's start.
 */
export const progress = z.object({
  phase: z.string(),
  /** Which round of the phase, from 1 on; in `sync` those of memory, and 0 in each round that sends files alone: its bytes begin at 0 again. */
  iteration: z.int(),
  bytesTotal: z.number(),
  bytesTransferred: z.number(),
  bytesRemaining: z.number(),
  dirtyRate: z.number().nullable(),
  bandwidth: z.number().nullable(),
  expectedDowntime: z.number().nullable(),
  elapsed: z.number(),
  /** Until `bytesRemaining` is 0 at this bandwidth; null where that cannot be told. */
  remaining: z.number().nullable().default(null),
});
export type Progress = z.infer<typeof progress>;

/** An action longer than a second. `result` is the action's own (see routes.ts), there when `state` is `done`. */
export const operation = z.object({
  id: z.string(),
  kind: z.enum(operationKinds),
  host: z.string(),
  /** Name of the container that it holds; only one operation holds a container. */
  container: z.string(),
  state: z.enum(["running", "done", "failed", "cancelled"]),
  cancellable: z.boolean(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  /** What it is about, the action's own: of a migration a MigrationAbout. */
  about: z.unknown().default(null),
  /** Where it is, or was when it ended; null before the first. */
  phase: z.string().nullable().default(null),
  /** The last that was told; null where bytes are not counted. */
  progress: progress.nullable().default(null),
  result: z.unknown(),
  error: errorReport.nullable(),
});
export type Operation = z.infer<typeof operation>;

/** One timed step of an action. `at` and `ms` are milliseconds, `at` counted from the operation's start. */
export const step = z.object({
  name: z.string(),
  /** Which side measured it; the two clocks are not compared. */
  side: z.enum(["source", "destination"]),
  at: z.number(),
  ms: z.number(),
  /** Whether the container stood still meanwhile. */
  switchover: z.boolean(),
});
export type Step = z.infer<typeof step>;

const eventBody = z.discriminatedUnion("type", [
  z.object({ type: z.literal("started"), operation }),
  z.object({ type: z.literal("phase"), phase: z.string(), message: z.string() }),
  z.object({ type: z.literal("progress"), progress }),
  z.object({ type: z.literal("step"), step }),
  z.object({ type: z.literal("warning"), message: z.string(), remedy: z.string().optional() }),
  z.object({ type: z.literal("ended"), operation }),
]);
export type EventBody = z.infer<typeof eventBody>;

/** An event as it is journalled, then published. Ids rise by host; a reader goes on after its last id. */
export const operationEvent = z.object({ id: z.int(), operationId: z.string(), at: z.iso.datetime(), body: eventBody });
export type OperationEvent = z.infer<typeof operationEvent>;
