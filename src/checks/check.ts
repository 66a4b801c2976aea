import type { AttachmentOptions } from "../contract/attachments.ts";
import type { ContainerFacts, DestinationView, HostFacts, Verdict } from "../contract/facts.ts";
import type { MigrateRequest, PlainMode } from "../contract/migration.ts";
import type { Finding } from "./finding.ts";

/**
 * One thing that can be true or false of a host, of two hosts, of a container or of a move. A check is pure: it weighs facts that
 * others have read.
 */
export interface Check<Subject> {
  /** Names the check in every report. Scripts rely on it. */
  readonly key: string;
  /** Who wants to know. */
  readonly audiences: readonly Audience[];
  /** A finding for each thing that a reader wants to know; none where there is nothing to say. */
  readonly run: (subject: Subject) => Finding[];
}

export type Audience =
  /** `godwit doctor`: one host, or two hosts that are compared. */
  | "doctor"
  /** A host that dumps or restores: both hosts of a migration, and the host of a checkpoint. */
  | "either-side"
  /** A host that restores: what it needs besides. */
  | "destination"
  /** Preflight; and `ps`, which says whether a container can migrate. */
  | "migration"
  | DumpPurpose;

/**
 * What a dump is for: a checkpoint that is kept while the container runs on (`keep`) or ends (`stop`), a second container that runs
 * from it at once (`clone`), or the safety checkpoint of a container that is rolled back (`rollback`).
 */
export type DumpPurpose = "keep" | "stop" | "clone" | "rollback";

/** Whatever dumps a container wants to know what CRIU cannot do. */
export const everyDump: readonly Audience[] = ["migration", "keep", "stop", "clone", "rollback"];

export interface OneHost {
  host: HostFacts;
  /** Whether memory must be able to follow after the resume. */
  memoryFollows: boolean;
}

/** Two hosts that are compared, in any order. */
export interface TwoHosts {
  one: HostFacts;
  other: HostFacts;
}

export interface ContainerOnHost {
  container: ContainerFacts;
  host: HostFacts;
}

/** What a user asks for beside the mode. */
export type MoveOptions = Pick<MigrateRequest, "downtimeLimitMs" | "onNoConvergence" | "drainBandwidth">;

/** A container and both of its hosts, as preflight knows them. */
export interface PlannedMove {
  source: HostFacts;
  destination: HostFacts;
  container: ContainerFacts;
  /** What the destination found when it was asked about the container. */
  view: DestinationView;
  mode: PlainMode;
  choices: AttachmentOptions;
  options: MoveOptions;
}

/** The verdicts that an audience wants, in the order of the checks. */
export function verdictsFor<Subject>(
  audience: Audience,
  checks: readonly Check<Subject>[],
  subject: Subject,
): Verdict[] {
  return checks
    .filter(({ audiences }) => audiences.includes(audience))
    .flatMap(({ key, run }) => run(subject).map((finding) => ({ check: key, ...finding })));
}
