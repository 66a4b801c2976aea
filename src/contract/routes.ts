import * as z from "zod";
import { checkpointRecord, listedCheckpoint } from "./checkpoint.ts";
import { containerFacts, containerSummary, hostFacts, verdict } from "./facts.ts";
import { migrateRequest, migration, migrationPlan, migrationSettings } from "./migration.ts";
import { givenName } from "./name-schemas.ts";
import { type OperationEvent, operation, step } from "./operations.ts";

/**
 * What an agent answers to, on its unix socket and to other agents alike. Paths follow `apiPrefix`.
 * `/on/:host` before any path, on the unix socket only, has the agent of that host asked.
 * A failure is answered with the status of the error catalogue and `{"error": ErrorReport}`.
 */
export interface Route {
  method: "GET" | "POST" | "DELETE";
  path: string;
  params: z.ZodObject;
  query: z.ZodObject;
  body: z.ZodType;
  reply: z.ZodType;
  /** `read` changes nothing; `change` is written to the agent's log with who asked. */
  access: "read" | "change";
  /** `operation`: answered with 202 and the operation that has begun. `events`: with server-sent events. */
  kind: "value" | "operation" | "events";
}

export const health = z.object({ name: z.string(), version: z.string(), protocol: z.int() });
export type Health = z.infer<typeof health>;

/** What an agent takes. Milliseconds, bytes. */
export const agentUsage = z.object({
  upMs: z.number(),
  /** Resident. */
  memoryBytes: z.number(),
  /** Since its start; without the programs that it ran. */
  cpuMs: z.number(),
  /**
   * The longest time for which it was busy with one thing while an operation ran, since this was asked last; without what it
   * waited for a processor.
   */
  longestBlockMs: z.number(),
});
export type AgentUsage = z.infer<typeof agentUsage>;

export const hostEntry = z.object({
  name: z.string(),
  address: z.string(),
  /** Whether it is the host that answers. */
  self: z.boolean(),
  reachable: z.boolean(),
  /** Why it is not reachable, or not usable. */
  problem: z.string().nullable(),
  version: z.string().nullable(),
});
export type HostEntry = z.infer<typeof hostEntry>;

export const doctorReport = z.object({
  host: z.string(),
  /** The other host, where two were compared. */
  with: z.string().nullable(),
  verdicts: z.array(verdict),
});
export type DoctorReport = z.infer<typeof doctorReport>;

const checkpointRequest = z.strictObject({
  name: givenName("checkpoint").optional(),
  stop: z.boolean().default(false),
});
export type CheckpointRequest = z.infer<typeof checkpointRequest>;
const restoreRequest = z.strictObject({
  checkpoint: givenName("checkpoint"),
  /** Also one that was taken of another container, which had the same name. */
  foreign: z.boolean().default(false),
});
export type RestoreRequest = z.infer<typeof restoreRequest>;
const cloneRequest = z.strictObject({
  name: givenName("container"),
  host: givenName("host").optional(),
  /** Without one, a checkpoint is taken for the clone and removed after it. */
  checkpoint: givenName("checkpoint").optional(),
});
export type CloneRequest = z.infer<typeof cloneRequest>;
const recoverRequest = z.strictObject({ force: z.boolean().default(false) });
export type RecoverRequest = z.infer<typeof recoverRequest>;

/** Result of an operation of kind restore, rollback or clone. That of a checkpoint is a CheckpointTaken, of a migration a MigrationResult. */
export const runResult = z.object({
  host: z.string(),
  container: z.string(),
  id: z.string(),
  checkpoint: z.string().nullable(),
  /** How long the container, or the one it was cloned from, stood still; null where none ran. */
  downtimeMs: z.number().nullable(),
  totalMs: z.number(),
  steps: z.array(step),
  warnings: z.array(z.string()),
});
export type RunResult = z.infer<typeof runResult>;

/** What became of a container that stood frozen on its source. */
export const recovery = z.object({
  container: z.string(),
  /** Where it runs now. */
  host: z.string(),
  outcome: z.enum(["running-on-source", "running-on-destination", "nothing-to-recover"]),
  message: z.string(),
});
export type Recovery = z.infer<typeof recovery>;

const none = z.object({});
/** A name or an id, or its beginning. */
const container = z.object({ container: givenName("container") });
const named = container.extend({ name: givenName("checkpoint") });
const id = z.object({ id: z.string() });

const read = { method: "GET", params: none, query: none, body: z.undefined(), access: "read", kind: "value" } as const;
const start = { method: "POST", params: container, query: none, reply: operation, access: "change" } as const;

export const routes = {
  health: { ...read, path: "/health", reply: health },
  usage: { ...read, path: "/usage", reply: agentUsage },
  facts: { ...read, path: "/facts", reply: hostFacts },
  doctor: { ...read, path: "/doctor", query: z.object({ with: givenName("host").optional() }), reply: doctorReport },
  hosts: { ...read, path: "/hosts", reply: z.array(hostEntry) },

  containers: { ...read, path: "/containers", reply: z.array(containerSummary) },
  container: { ...read, path: "/containers/:container", params: container, reply: containerFacts },
  checkpointsOf: {
    ...read,
    path: "/containers/:container/checkpoints",
    params: container,
    reply: z.array(listedCheckpoint),
  },
  checkpoints: { ...read, path: "/checkpoints", reply: z.array(listedCheckpoint) },
  checkpoint: { ...read, path: "/containers/:container/checkpoints/:name", params: named, reply: checkpointRecord },
  removeCheckpoint: {
    ...read,
    method: "DELETE",
    path: "/containers/:container/checkpoints/:name",
    params: named,
    access: "change",
    reply: z.object({ removed: z.string() }),
  },

  createCheckpoint: {
    ...start,
    path: "/containers/:container/checkpoints",
    body: checkpointRequest,
    kind: "operation",
  },
  restore: { ...start, path: "/containers/:container/restore", body: restoreRequest, kind: "operation" },
  rollback: { ...start, path: "/containers/:container/rollback", body: restoreRequest, kind: "operation" },
  clone: { ...start, path: "/containers/:container/clone", body: cloneRequest, kind: "operation" },
  migrate: {
    ...start,
    path: "/containers/:container/migrate",
    body: migrateRequest,
    kind: "operation",
  },
  plan: {
    ...start,
    path: "/containers/:container/plan",
    body: migrateRequest,
    reply: migrationPlan,
    access: "read",
    kind: "value",
  },
  recover: { ...start, path: "/containers/:container/recover", body: recoverRequest, reply: recovery, kind: "value" },

  /** Those that leave or left this host, oldest first. A migration is cancelled, and its events are read, as its operation. */
  migrations: { ...read, path: "/migrations", reply: z.array(migration) },
  migration: { ...read, path: "/migrations/:id", params: id, reply: migration },
  setMigration: {
    ...read,
    method: "POST",
    path: "/migrations/:id/settings",
    params: id,
    body: migrationSettings,
    reply: migration,
    access: "change",
  },
  /** Pre-copy goes to the switchover now. */
  switchMigration: {
    ...read,
    method: "POST",
    path: "/migrations/:id/switch",
    params: id,
    reply: migration,
    access: "change",
  },

  operations: { ...read, path: "/operations", reply: z.array(operation) },
  operation: { ...read, path: "/operations/:id", params: id, reply: operation },
  cancelOperation: {
    ...read,
    method: "POST",
    path: "/operations/:id/cancel",
    params: id,
    reply: operation,
    access: "change",
  },
  /** Ends after the event `ended`. Both streams resume after the id in the header Last-Event-ID. */
  operationEvents: { ...read, path: "/operations/:id/events", params: id, reply: z.undefined(), kind: "events" },
  events: { ...read, path: "/events", reply: z.undefined(), kind: "events" },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
type In<N extends RouteName, K extends "params" | "query" | "body"> = z.input<(typeof routes)[N][K]>;
type Needed<K extends string, T> = T extends undefined
  ? { [P in K]?: undefined }
  : Record<string, never> extends T
    ? { [P in K]?: T }
    : { [P in K]: T };

/** What a caller of a route has to give. */
export type RouteInput<N extends RouteName> = Needed<"params", In<N, "params">> &
  Needed<"query", In<N, "query">> &
  Needed<"body", In<N, "body">>;
/** What the implementation of a route is given: what the route's own schemas have parsed. */
export interface RouteRequest<N extends RouteName> {
  params: z.output<(typeof routes)[N]["params"]>;
  query: z.output<(typeof routes)[N]["query"]>;
  body: z.output<(typeof routes)[N]["body"]>;
}
export type RouteReply<N extends RouteName> = z.output<(typeof routes)[N]["reply"]>;

/** Where a reader of events goes on, and when it has left. */
export interface EventPosition {
  afterId: number;
  signal: AbortSignal;
}
/** What a route of each kind does. What it throws is the answer; of events, only before it returns. */
type Implementation<N extends RouteName> = (typeof routes)[N]["kind"] extends "events"
  ? (request: RouteRequest<N> & EventPosition) => AsyncIterable<OperationEvent>
  : (request: RouteRequest<N>) => Promise<RouteReply<N>>;
/** Every route of the table with what it does: one that is missing is an error of the compiler. */
export type RouteTable = { [N in RouteName]: Implementation<N> };
