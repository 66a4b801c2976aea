import type { OperationEvent } from "../contract/operations.ts";
import type { Journal } from "./journal.ts";

const batch = 256;

export interface Subscription {
  operationId?: string | undefined;
  /** 0: from the beginning. */
  afterId: number;
  signal?: AbortSignal | undefined;
}

/**
 * Readers of the journal's events. A reader asks the journal for what comes after its last event, and sleeps only
 * if there is nothing: replay and live are the same thing, so that nothing falls between them.
 */
export class Subscribers {
  readonly #journal: Journal;
  readonly #sleeping = new Set<() => void>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  wake(): void {
    for (const wakeUp of this.#sleeping) wakeUp();
    this.#sleeping.clear();
  }

  async *read(
    subscription: Subscription,
    hasEnded: (operationId: string) => boolean,
  ): AsyncGenerator<OperationEvent, void> {
    const { operationId, signal } = subscription;
    let last = subscription.afterId;
    while (!signal?.aborted) {
      const events = this.#journal.eventsAfter(last, { operationId, limit: batch });
      for (const event of events) {
        if (signal?.aborted) return;
        last = event.id;
        yield event;
        if (operationId !== undefined && event.body.type === "ended") return;
      }
      if (events.length > 0) continue;
      if (operationId !== undefined && hasEnded(operationId)) return;
      await this.#sleep(signal);
    }
  }

  #sleep(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wakeUp = () => {
        signal?.removeEventListener("abort", wakeUp);
        this.#sleeping.delete(wakeUp);
        resolve();
      };
      this.#sleeping.add(wakeUp);
      signal?.addEventListener("abort", wakeUp);
    });
  }
}
