import type { EventBody, Operation, OperationEvent } from "../src/contract/operations.ts";
import type { EventFilter, Journal } from "../src/journal/journal.ts";

/** A journal for tests: it survives nothing. */
export class MemoryJournal implements Journal {
  readonly #operations = new Map<string, Operation>();
  readonly #records = new Map<string, Map<string, unknown>>();
  #events: OperationEvent[] = [];
  #lastEvent = 0;

  putOperation(operation: Operation): void {
    this.#operations.set(operation.id, copy(operation));
  }

  getOperation(id: string): Operation | undefined {
    return copy(this.#operations.get(id));
  }

  listOperations(): Operation[] {
    return [...this.#operations.values()].map(copy);
  }

  appendEvent(operationId: string, at: string, body: EventBody): OperationEvent {
    this.#lastEvent += 1;
    const event = { id: this.#lastEvent, operationId, at, body: copy(body) };
    this.#events.push(event);
    return copy(event);
  }

  eventsAfter(id: number, filter: EventFilter = {}): OperationEvent[] {
    return this.#events
      .filter((event) => event.id > id && (filter.operationId ?? event.operationId) === event.operationId)
      .slice(0, filter.limit)
      .map(copy);
  }

  putRecord(kind: string, id: string, value: unknown): void {
    const records = this.#records.get(kind) ?? new Map<string, unknown>();
    this.#records.set(kind, records.set(id, copy(value)));
  }

  getRecord(kind: string, id: string): unknown {
    return copy(this.#records.get(kind)?.get(id));
  }

  listRecords(kind: string): { id: string; value: unknown }[] {
    return [...(this.#records.get(kind) ?? [])].map(([id, value]) => ({ id, value: copy(value) }));
  }

  deleteRecord(kind: string, id: string): void {
    this.#records.get(kind)?.delete(id);
  }

  prune(before: string): void {
    for (const { id, endedAt } of this.#operations.values()) {
      if (endedAt === null || endedAt >= before) continue;
      this.#operations.delete(id);
      this.#events = this.#events.filter((event) => event.operationId !== id);
    }
  }

  close(): void {}
}

/** Through JSON, as the real one does it: what only works with live objects must fail in a test. */
const copy = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T));
