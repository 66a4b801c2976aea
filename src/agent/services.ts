import type { FastifyInstance } from "fastify";
import type { CheckpointRecord, ListedCheckpoint } from "../contract/checkpoint.ts";
import type { ContainerFacts, ContainerSummary, HostFacts } from "../contract/facts.ts";
import type { MigrateRequest, MigrationPlan, MigrationSettings } from "../contract/migration.ts";
import type { Operation } from "../contract/operations.ts";
import type {
  CheckpointRequest,
  CloneRequest,
  DoctorReport,
  RecoverRequest,
  Recovery,
  RestoreRequest,
} from "../contract/routes.ts";
import type { Journal } from "../journal/journal.ts";
import type { Operations } from "../operations/operations.ts";
import type { Peer } from "../transport/peer.ts";
import type { TunnelRegistry } from "../transport/tunnels.ts";
import type { AgentConfig } from "./config.ts";

/**
 * What an agent can do, a method a route. `container` is a name or an id (or its beginning), as the caller gave it.
 * What takes longer than a second begins an operation, after everything that can be refused at once was refused.
 */
export interface Services {
  facts(): Promise<HostFacts>;
  /** With `other`: also what differs from that host, and what that forbids. */
  doctor(other?: string): Promise<DoctorReport>;
  containers(): Promise<ContainerSummary[]>;
  container(container: string): Promise<ContainerFacts>;
  /** Of one container, or of all. */
  checkpoints(container?: string): Promise<ListedCheckpoint[]>;
  checkpoint(container: string, name: string): Promise<CheckpointRecord>;
  removeCheckpoint(container: string, name: string): Promise<void>;

  createCheckpoint(container: string, request: CheckpointRequest): Promise<Operation>;
  restore(container: string, request: RestoreRequest): Promise<Operation>;
  rollback(container: string, request: RestoreRequest): Promise<Operation>;
  clone(container: string, request: CloneRequest): Promise<Operation>;
  migrate(container: string, request: MigrateRequest): Promise<Operation>;
  /** @throws wrong-phase */
  setMigration(id: string, settings: MigrationSettings): void;
  /** @throws wrong-phase */
  switchMigration(id: string): void;
  plan(container: string, request: MigrateRequest): Promise<MigrationPlan>;
  recover(container: string, request: RecoverRequest): Promise<Recovery>;

  /**
   * Called once before the agent listens: takes over the operations that a crash left running (`Operations.adopt`).
   * Those that are not taken over are then marked failed. Work that needs a peer goes on in the background.
   */
  resume(): Promise<void>;
  /**
   * Adds the routes that only other agents may call, and the tunnels; called once, if there is a listener for others.
   * `request.peer` is the name of the host that asks; a body of type application/octet-stream is a Readable.
   */
  peerRoutes?(app: FastifyInstance): void;
  /** Called once at the agent's end; operations were told to cancel where they can. */
  close(): Promise<void>;
}

export interface ServicesContext {
  config: AgentConfig;
  journal: Journal;
  operations: Operations;
  /** @throws GodwitError no-such-host */
  peers: (host: string) => Peer;
  tunnels: TunnelRegistry;
  log: Log;
}

/** The part of pino's logger that services use. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type ServicesFactory = (context: ServicesContext) => Services | Promise<Services>;
