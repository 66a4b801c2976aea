/**
 * Every error that a user can meet. `exit` is the command's exit status, `status` the HTTP status of the agent's answer,
 * `means` the line that docs/errors.md is made from. Codes and exit statuses are stable: scripts rely on them.
 */
export const errorCatalogue = {
  // the call itself
  usage: { exit: 2, status: 400, means: "The command or the request is not of the documented form." },
  "invalid-name": { exit: 2, status: 400, means: "A name has characters outside [a-zA-Z0-9][a-zA-Z0-9_.-]*." },
  "not-root": { exit: 2, status: 403, means: "The command needs root, or membership of the group godwit." },
  "unsupported-system": { exit: 2, status: 400, means: "This system lacks something that godwit is built on." },
  // something named does not exist
  "no-such-container": { exit: 3, status: 404, means: "No container of that name or id on that host." },
  "no-such-host": { exit: 3, status: 404, means: "No host of that name is configured." },
  "no-such-checkpoint": { exit: 3, status: 404, means: "The container has no checkpoint of that name." },
  "no-such-operation": { exit: 3, status: 404, means: "No operation with that id." },
  "no-such-migration": { exit: 3, status: 404, means: "No migration with that id." },
  "no-such-lab": { exit: 3, status: 404, means: "No lab of that name is up." },
  // the state of things forbids it
  "container-not-running": { exit: 4, status: 409, means: "The action needs a running container." },
  "container-running": { exit: 4, status: 409, means: "The action needs a stopped container." },
  "name-taken": { exit: 4, status: 409, means: "A container of that name exists already where it would be created." },
  "checkpoint-exists": { exit: 4, status: 409, means: "The container has a checkpoint of that name already." },
  "foreign-checkpoint": {
    exit: 4,
    status: 409,
    means: "The checkpoint was taken of another container, which had the same name; it must be asked for.",
  },
  busy: { exit: 4, status: 409, means: "Another operation on the same container is under way; it is named." },
  "wrong-phase": {
    exit: 4,
    status: 409,
    means: "The migration is in a phase, or has ended, where that cannot be done; the phase is named.",
  },
  "lab-exists": { exit: 4, status: 409, means: "A lab of that name is up with another shape." },
  // preflight: a host or a container cannot do it; nothing has been changed
  "preflight-failed": {
    exit: 5,
    status: 422,
    means: "The check before the action found what forbids it; nothing was changed.",
  },
  "unsupported-container": { exit: 5, status: 422, means: "The container uses something that CRIU cannot migrate." },
  "criu-missing": { exit: 5, status: 422, means: "CRIU is not installed, or does not work on this kernel." },
  "no-space": { exit: 5, status: 422, means: "Not enough memory or disk for the action." },
  "hook-missing": { exit: 5, status: 422, means: "The runtime hook is not registered with Docker." },
  "hook-in-use": {
    exit: 5,
    status: 422,
    means: "Containers still need the runtime hook, so that it cannot be removed.",
  },
  "invalid-checkpoint": { exit: 5, status: 422, means: "The checkpoint is incomplete or damaged." },
  "incompatible-agent": { exit: 5, status: 422, means: "The other host's agent is of another version." },
  // somebody does not answer
  "agent-unreachable": { exit: 6, status: 502, means: "The agent of a host does not answer." },
  "docker-unreachable": { exit: 6, status: 502, means: "The Docker daemon of a host does not answer." },
  "untrusted-peer": {
    exit: 6,
    status: 403,
    means: "The other agent's certificate is missing, expired, or from another authority.",
  },
  // it was tried, and failed; the container is where the message says
  "dump-failed": { exit: 7, status: 500, means: "CRIU refused to dump; its reason is quoted. The container runs on." },
  "restore-failed": { exit: 7, status: 500, means: "CRIU refused to restore; its reason is quoted." },
  "docker-failed": { exit: 7, status: 500, means: "Docker refused a request; its words are quoted." },
  "command-failed": { exit: 7, status: 500, means: "A system command failed; its last lines are quoted." },
  "transfer-failed": { exit: 7, status: 500, means: "A stream between two agents broke." },
  "not-converging": {
    exit: 7,
    status: 500,
    means: "The container writes to its memory too fast for pre-copy to end within the downtime limit; it runs on.",
  },
  "container-exited": {
    exit: 7,
    status: 500,
    means: "The container ended by itself meanwhile; its exit status and logs stay.",
  },
  "agent-ended": {
    exit: 7,
    status: 500,
    means: "The agent ended in the middle of the action, and undid it when it started again.",
  },
  interrupted: {
    exit: 7,
    status: 500,
    means: "The agent ended in the middle of the operation, and did not resume it when it started again.",
  },
  cancelled: { exit: 8, status: 409, means: "The operation was cancelled; the container runs on where it was." },
  "baton-unresolved": {
    exit: 9,
    status: 503,
    means:
      "The other host took the baton and does not answer; the container waits frozen on the source for a decision.",
  },
  "lab-failed": { exit: 1, status: 500, means: "The lab could not be brought up." },
  internal: { exit: 1, status: 500, means: "A fault of godwit itself; it is shown with its stack." },
} as const satisfies Record<string, { exit: number; status: number; means: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error in transit: what crosses a process boundary. */
export interface ErrorReport {
  code: ErrorCode;
  /** What happened, to what, why: one sentence, ending with a full stop. */
  message: string;
  /** What to do about it: one sentence. */
  hint?: string;
  /** Lines of CRIU's, runc's or Docker's own words, most telling last. */
  details?: string[];
}

/** An error that a user can meet. Anything else that is thrown is a bug and is shown with its stack. */
export class GodwitError extends Error {
  override readonly name = "GodwitError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: string[];

  constructor(
    code: ErrorCode,
    message: string,
    extra: { hint?: string | undefined; details?: string[]; cause?: unknown } = {},
  ) {
    super(message, { cause: extra.cause });
    this.code = code;
    this.hint = extra.hint;
    this.details = extra.details ?? [];
  }
}

/** What any thrown value says when it crosses a process boundary. A bug becomes `internal` with its stack as details. */
export function errorReport(thrown: unknown): ErrorReport {
  if (thrown instanceof GodwitError) {
    return {
      code: thrown.code,
      message: thrown.message,
      ...(thrown.hint ? { hint: thrown.hint } : {}),
      ...(thrown.details.length > 0 ? { details: thrown.details } : {}),
    };
  }
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    code: "internal",
    message: `${error.message}.`.replace(/\.\.$/, "."),
    details: (error.stack ?? "").split("\n").slice(1, 8),
  };
}

/** The error that a report describes. Unknown codes (a newer agent) become `internal`. */
export function errorFromReport(report: ErrorReport): GodwitError {
  const code: ErrorCode = Object.hasOwn(errorCatalogue, report.code) ? report.code : "internal";
  return new GodwitError(code, report.message, {
    hint: report.hint,
    ...(report.details ? { details: report.details } : {}),
  });
}
