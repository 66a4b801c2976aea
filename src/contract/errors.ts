/**
 * Every error that a user can meet. `exit` is the command's exit status, `status` the HTTP status of the agent's answer,
 * `means` the sentence that docs/errors.md shows. Codes and exit statuses are stable: scripts rely on them.
 */
export const errorCatalogue = {
  // the call itself
  usage: { exit: 2, status: 400, means: "The command or the request does not have the documented form." },
  "invalid-name": { exit: 2, status: 400, means: "A name has characters outside [a-zA-Z0-9][a-zA-Z0-9_.-]*." },
  "not-root": { exit: 2, status: 403, means: "The command needs root, or membership of the group godwit." },
  "unsupported-system": { exit: 2, status: 400, means: "This system lacks something that godwit needs." },
  // something named does not exist
  "no-such-container": { exit: 3, status: 404, means: "That host has no container with that name or id." },
  "no-such-host": { exit: 3, status: 404, means: "No host with that name is configured." },
  "no-such-checkpoint": { exit: 3, status: 404, means: "The container has no checkpoint with that name." },
  "no-such-operation": { exit: 3, status: 404, means: "There is no operation with that id." },
  "no-such-migration": { exit: 3, status: 404, means: "There is no migration with that id." },
  "no-such-lab": { exit: 3, status: 404, means: "No lab with that name is up." },
  // the present state forbids it
  "container-not-running": { exit: 4, status: 409, means: "The action needs a running container." },
  "container-running": { exit: 4, status: 409, means: "The action needs a stopped container." },
  "name-taken": { exit: 4, status: 409, means: "The host already has a container with that name." },
  "checkpoint-exists": { exit: 4, status: 409, means: "The container already has a checkpoint with that name." },
  "foreign-checkpoint": {
    exit: 4,
    status: 409,
    means: "The checkpoint is of another container that had the same name. --foreign accepts it.",
  },
  busy: { exit: 4, status: 409, means: "Another operation works on the same container. The message names it." },
  "in-flight": {
    exit: 4,
    status: 409,
    means:
      "Something that a move would lose did not get handled in time, and --in-flight refuse was given. The container keeps running.",
  },
  "wrong-phase": {
    exit: 4,
    status: 409,
    means: "The migration is in a phase that does not allow this, or it has ended. The message names the phase.",
  },
  "lab-exists": {
    exit: 4,
    status: 409,
    means: "A lab with that name is up, but its hosts differ from what you ask for.",
  },
  // preflight: a host or a container cannot do it; nothing has been changed
  "preflight-failed": {
    exit: 5,
    status: 422,
    means: "The check before the action found a reason against it. Nothing was changed.",
  },
  "unsupported-container": { exit: 5, status: 422, means: "The container uses something that CRIU cannot migrate." },
  "criu-missing": { exit: 5, status: 422, means: "CRIU is not installed, or it does not work on this kernel." },
  "no-space": { exit: 5, status: 422, means: "There is not enough memory or disk space for the action." },
  "hook-missing": { exit: 5, status: 422, means: "The runtime hook is not registered with Docker." },
  "hook-in-use": {
    exit: 5,
    status: 422,
    means: "The runtime hook cannot be removed, because containers still need it.",
  },
  "invalid-checkpoint": { exit: 5, status: 422, means: "The checkpoint is incomplete or damaged." },
  "incompatible-agent": { exit: 5, status: 422, means: "The other host's agent has another version." },
  // an agent or a Docker daemon does not answer
  "agent-unreachable": { exit: 6, status: 502, means: "The agent of a host does not answer." },
  "docker-unreachable": { exit: 6, status: 502, means: "The Docker daemon of a host does not answer." },
  "untrusted-peer": {
    exit: 6,
    status: 403,
    means: "The other agent's certificate is missing, is expired, or comes from another authority.",
  },
  // the action was tried and failed; the message says where the container is
  "dump-failed": {
    exit: 7,
    status: 500,
    means: "CRIU refused to dump. The message quotes its reason. The container keeps running.",
  },
  "restore-failed": { exit: 7, status: 500, means: "CRIU refused to restore. The message quotes its reason." },
  "docker-failed": { exit: 7, status: 500, means: "Docker refused a request. The message quotes its answer." },
  "command-failed": { exit: 7, status: 500, means: "A system command failed. The message quotes its last lines." },
  "transfer-failed": { exit: 7, status: 500, means: "A connection between two agents broke." },
  "not-converging": {
    exit: 7,
    status: 500,
    means: "The container writes to its memory too fast for pre-copy to reach the downtime limit. It keeps running.",
  },
  "container-exited": {
    exit: 7,
    status: 500,
    means: "The container ended by itself during the action. Its exit status and logs stay.",
  },
  "agent-ended": {
    exit: 7,
    status: 500,
    means: "The agent ended during the action, and undid the action when it started again.",
  },
  cancelled: { exit: 8, status: 409, means: "The operation was cancelled. The container keeps running where it was." },
  interrupted: {
    exit: 7,
    status: 500,
    means: "The agent ended in the middle of the operation, and did not resume it when it started again.",
  },
  "baton-unresolved": {
    exit: 9,
    status: 503,
    means:
      "The other host took the baton and does not answer. The container waits frozen on the source for a decision.",
  },
  "lab-failed": { exit: 1, status: 500, means: "The lab could not be brought up." },
  internal: { exit: 1, status: 500, means: "A bug in godwit. The message has its stack." },
} as const satisfies Record<string, { exit: number; status: number; means: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error in transit: what crosses a process boundary. */
export interface ErrorReport {
  code: ErrorCode;
  /** What happened, to what, why: one sentence, ending with a full stop. */
  message: string;
  /** What to do about it: one sentence. */
  hint?: string | undefined;
  /** Lines from the log of CRIU, runc or Docker. The last line says most about the reason. */
  details?: string[] | undefined;
}

/** An error that a user can meet. Every other thrown value is a bug and is shown with its stack. */
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

/** Turns any thrown value into a report. A bug becomes `internal`, with its stack as details. */
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

/** Turns a report into an error. */
export function errorFromReport(report: ErrorReport): GodwitError {
  return new GodwitError(report.code, report.message, {
    hint: report.hint,
    ...(report.details ? { details: report.details } : {}),
  });
}
