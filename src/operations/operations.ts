import { errorReport, GodwitError } from "../contract/errors.ts";
import type { EventBody, Operation, OperationEvent } from "../contract/operations.ts";
import type { Journal } from "../journal/journal.ts";
import { Subscribers, type Subscription } from "../journal/subscribers.ts";
import type { OperationBody } from "./operation-context.ts";
import { RunningOperation } from "./running-operation.ts";

export interface OperationSpec {
  kind: Operation["kind"];
  /** Name of the container; it is held until the end. */
  container: string;
  cancellable: boolean;
  /** What is known of it from the beginning; see `OperationContext.about`. */
  about?: object;
}

export interface OperationsOptions {
  journal: Journal;
  /** Name of this host. */
  host: string;
  now: () => Date;
  /** Milliseconds of a clock that never jumps. */
  monotonic: () => number;
  newId: () => string;
  /** Told when the first operation begins to run, and when the last one that runs has ended. */
  onBusy?: (busy: boolean) => void;
}

/** The operations of this host: one at a time on a container. Events are journalled first, then published. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #journal: Journal;
  readonly #running = new Map<string, RunningOperation>();
  readonly #subscribers: Subscribers;
  #closing = false;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#subscribers = new Subscribers(options.journal);
  }

  /**
   * Begins an operation and returns it at once; `body` runs in the background, from the next turn on.
   * @throws GodwitError busy, with the operation that holds the container
   */
  start(spec: OperationSpec, body: OperationBody): Operation {
    this.assertFree(spec.container);
    if (this.#closing) throw new GodwitError("busy", `The agent of ${this.#options.host} is ending.`);
    const operation: Operation = {
      id: this.#options.newId(),
      ...{ about: null, phase: null, progress: null },
      ...spec,
      host: this.#options.host,
      state: "running",
      startedAt: this.#options.now().toISOString(),
      endedAt: null,
      result: null,
      error: null,
    };
    this.#journal.putOperation(operation);
    this.#emit(operation.id, { type: "started", operation });
    this.#run(operation, body);
    return operation;
  }

  /** Goes on with an operation that the agent's last run left running. Returns undefined if there is no such one. */
  adopt(id: string, body: OperationBody): Operation | undefined {
    const operation = this.#journal.getOperation(id);
    if (operation?.state !== "running" || this.#running.has(id)) return undefined;
    this.assertFree(operation.container);
    this.#run(operation, body);
    return operation;
  }

  /** Marks each operation that the agent's last run left running, and that was not adopted, as failed: `interrupted`. */
  failInterrupted(): void {
    for (const operation of this.#journal.listOperations()) {
      if (operation.state !== "running" || this.#running.has(operation.id)) continue;
      const error = new GodwitError(
        "interrupted",
        `The agent of ${operation.host} ended in the middle of the operation '${operation.kind}' on '${operation.container}', and did not resume it.`,
        { hint: "See with 'godwit ps' on which host the container is and whether it runs, then try again." },
      );
      this.#end({ ...operation, state: "failed", error: errorReport(error) });
    }
  }

  /** @throws GodwitError busy */
  assertFree(container: string): void {
    for (const { operation } of this.#running.values()) {
      if (operation.container !== container) continue;
      throw new GodwitError(
        "busy",
        `'${container}' is busy with the operation '${operation.kind}' (id ${operation.id}).`,
        { hint: `Wait for it with 'godwit operations watch ${operation.id}', or cancel it.` },
      );
    }
  }

  /** @throws GodwitError no-such-operation */
  get(id: string): Operation {
    const operation = this.#running.get(id)?.operation ?? this.#journal.getOperation(id);
    if (operation) return operation;
    throw new GodwitError("no-such-operation", `There is no operation with the id '${id}'.`, {
      hint: "'godwit operations ls' lists them.",
    });
  }

  /** Oldest first. */
  list(): Operation[] {
    return this.#journal.listOperations().map((operation) => this.#running.get(operation.id)?.operation ?? operation);
  }

  /**
   * Asks a running operation to stop; it then undoes what it did and ends as `cancelled`. An ended one stays as it is.
   * @throws GodwitError no-such-operation, or busy where it cannot be stopped (any more)
   */
  cancel(id: string): Operation {
    const operation = this.get(id);
    this.#running.get(id)?.cancel();
    return operation;
  }

  /** Resolves once the operation has ended, however it ended. */
  async wait(id: string): Promise<Operation> {
    await this.#running.get(id)?.ended;
    return this.get(id);
  }

  /**
   * Events after `afterId` from the journal, then live, without a gap or a double, at the reader's own pace: it holds
   * no memory here. With an operation it ends after the event `ended`, otherwise with the signal.
   */
  subscribe(subscription: Subscription): AsyncGenerator<OperationEvent, void> {
    return this.#subscribers.read(subscription, (id) => this.get(id).state !== "running");
  }

  /** The agent's end: takes no more operations, cancels what can be cancelled, waits for all until the signal aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    const running = [...this.#running.values()];
    for (const one of running) if (one.operation.cancellable) one.cancel();
    const late = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await Promise.race([Promise.all(running.map((one) => one.ended)), late]);
  }

  #run(operation: Operation, body: OperationBody): void {
    const running = new RunningOperation(operation, body, {
      monotonic: this.#options.monotonic,
      emit: (event) => this.#emit(operation.id, event),
      changed: (changed) => this.#journal.putOperation(changed),
      end: (ended) => {
        this.#running.delete(operation.id);
        if (this.#running.size === 0) this.#options.onBusy?.(false);
        this.#end(ended);
      },
    });
    this.#running.set(operation.id, running);
    if (this.#running.size === 1) this.#options.onBusy?.(true);
  }

  #end(operation: Operation): void {
    const ended = { ...operation, cancellable: false, endedAt: this.#options.now().toISOString() };
    this.#journal.putOperation(ended);
    this.#emit(ended.id, { type: "ended", operation: ended });
  }

  #emit(operationId: string, body: EventBody): void {
    this.#journal.appendEvent(operationId, this.#options.now().toISOString(), body);
    this.#subscribers.wake();
  }
}
