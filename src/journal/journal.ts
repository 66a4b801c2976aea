import type { EventBody, Operation, OperationEvent } from "../contract/operations.ts";

/**
 * What must survive a crash of the agent. All calls are synchronous: what a call returned from has happened.
 * Everything survives the death of the process; records also survive the loss of power.
 * Values are JSON: what comes out is a fresh copy, equal to what went in.
 */
export interface Journal {
  /** Adds the operation, or replaces the one with its id. */
  putOperation(operation: Operation): void;
  getOperation(id: string): Operation | undefined;
  /** All operations, oldest first. */
  listOperations(): Operation[];

  /** Ids begin at 1 and rise over all operations; an id is never used twice, also after a restart. */
  appendEvent(operationId: string, at: string, body: EventBody): OperationEvent;
  /** Events with a greater id, in the order of their ids; at most `limit` of them. */
  eventsAfter(id: number, filter?: EventFilter): OperationEvent[];

  /** Adds or replaces a record such as a migration's state. Durable, also against power loss, before the call returns. */
  putRecord(kind: string, id: string, value: unknown): void;
  getRecord(kind: string, id: string): unknown;
  /** In the order in which they were first put. */
  listRecords(kind: string): { id: string; value: unknown }[];
  /** Durable like putRecord. Nothing happens if there is none. */
  deleteRecord(kind: string, id: string): void;

  /** Forgets operations that ended before this time (ISO 8601), with their events. */
  prune(before: string): void;
  close(): void;
}

export interface EventFilter {
  operationId?: string | undefined;
  limit?: number | undefined;
}
