import type { CheckpointRecord, ListedCheckpoint } from "../contract/checkpoint.ts";
import type { ContainerSummary } from "../contract/facts.ts";
import type { Migration, MigrationPlan } from "../contract/migration.ts";
import type { Operation } from "../contract/operations.ts";
import type { AgentUsage, DoctorReport, Recovery } from "../contract/routes.ts";

/** Containers of one host, or why it could not be asked. */
export interface HostContainers {
  host: string;
  containers: ContainerSummary[];
  problem: string | null;
}

export interface HostCheckpoints {
  host: string;
  checkpoints: ListedCheckpoint[];
  problem: string | null;
}

/** A host and its agent, or why it could not be asked. */
export interface HostUsage {
  host: string;
  version: string | null;
  usage: AgentUsage | null;
  problem: string | null;
}

/** A lab and its hosts. `pid` is undefined where the host is down, `docker` where Docker does not answer. */
export interface LabSummary {
  name: string;
  hosts: {
    name: string;
    address: string;
    release: string;
    pid: number | undefined;
    docker: string | undefined;
    agent: boolean;
  }[];
}

interface Views {
  hosts: HostUsage[];
  doctor: DoctorReport[];
  containers: HostContainers[];
  checkpoints: HostCheckpoints[];
  checkpoint: CheckpointRecord;
  plan: MigrationPlan;
  recovery: Recovery;
  migrations: Migration[];
  migration: Migration;
  operations: Operation[];
  /** An operation that is done: its result is shown. */
  ended: Operation;
  operation: Operation;
  labs: LabSummary[];
  /** `lines` say what was done; `data` is for --json. */
  done: { lines: string[]; data: unknown };
  nothing: null;
}

/** What a command found or did, for a reporter to show. `exit` is the exit status, 0 by default. */
export type Output = { [V in keyof Views]: { view: V; data: Views[V]; exit?: number } }[keyof Views];
