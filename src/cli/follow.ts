import { setTimeout as delay } from "node:timers/promises";
import { errorFromReport, GodwitError } from "../contract/errors.ts";
import type { Operation } from "../contract/operations.ts";
import type { Client } from "../transport/client.ts";
import type { Reporter } from "./reporters/reporter.ts";

const pauseMs = 500;
/** How long an agent may not answer, for instance during its restart, before the command stops following. */
const patienceMs = 60_000;

/** The terminal's signals. `leave` ends the command at once. */
export interface Interrupts {
  onInterrupt(listener: () => void): () => void;
  leave(): never;
}

/**
 * Shows an operation until it has ended, also through breaks of the connection. The first Ctrl-C cancels the operation,
 * the second stops following it. Returns the operation if it is done.
 * @param asked what the agent answers when it has begun the operation. A Ctrl-C before that counts as one after it
 * @throws GodwitError the operation's own, that of `asked`, or agent-unreachable
 */
export async function followOperation(
  client: Client,
  asked: Promise<Operation>,
  reporter: Reporter,
  interrupts: Interrupts,
): Promise<Operation> {
  const { operation, isInterrupted } = await begun(asked, interrupts);
  const interrupt = cancelThenLeave(client, operation, reporter, interrupts);
  const release = interrupts.onInterrupt(interrupt);
  if (isInterrupted) interrupt();
  try {
    const ended = await untilEnded(client, operation.id, reporter);
    if (ended.state === "done") return ended;
    throw ended.error
      ? errorFromReport(ended.error)
      : new GodwitError("internal", `The operation ${ended.id} ended as '${ended.state}' without a reason.`);
  } finally {
    release();
  }
}

/** The operation, and whether Ctrl-C was pressed before the agent told of it. A second one ends the command. */
async function begun(asked: Promise<Operation>, interrupts: Interrupts) {
  let isInterrupted = false;
  const release = interrupts.onInterrupt(() => {
    if (isInterrupted) interrupts.leave();
    isInterrupted = true;
  });
  try {
    return { operation: await asked, isInterrupted };
  } finally {
    release();
  }
}

async function untilEnded(client: Client, operationId: string, reporter: Reporter): Promise<Operation> {
  let afterId = 0;
  let goneSince: number | undefined;
  for (;;) {
    try {
      for await (const event of client.events({ operationId, afterId })) {
        goneSince = undefined;
        afterId = event.id;
        reporter.event(event);
        if (event.body.type === "ended") return event.body.operation;
      }
    } catch (error) {
      if (error instanceof GodwitError && error.code === "no-such-operation") throw error;
      goneSince ??= performance.now();
      if (performance.now() - goneSince > patienceMs) throw error;
    }
    await delay(pauseMs);
  }
}

function cancelThenLeave(client: Client, operation: Operation, reporter: Reporter, interrupts: Interrupts): () => void {
  let interrupted = false;
  return () => {
    if (interrupted) {
      reporter.notice(`The operation continues. Follow it with: godwit operations watch ${operation.id}`);
      interrupts.leave();
    }
    interrupted = true;
    reporter.notice(
      `Cancelling the ${operation.kind} of ${operation.container}; press Ctrl-C again to stop following it.`,
    );
    client.call("cancelOperation", { params: { id: operation.id } }).catch((error) => reporter.notice(error.message));
  };
}
