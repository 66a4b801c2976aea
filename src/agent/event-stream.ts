import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { GodwitError } from "../contract/errors.ts";
import type { OperationEvent } from "../contract/operations.ts";
import type { EventPosition } from "../contract/routes.ts";
import type { Log } from "../operations/log.ts";
import { versionHeaders } from "../transport/http.ts";

const heartbeatMs = 15_000;
/** A reader that takes nothing for so long is cut off; it can resume by its last id. */
const stallMs = 30_000;

export interface StreamOptions {
  log: Log;
  /** Aborts when the agent ends: event streams then end as well. */
  ending: AbortSignal;
}

/**
 * Answers with events as server-sent events, after the one that the header Last-Event-ID names.
 * @param read may throw: the reader is then answered with that error
 */
export async function streamEvents(
  read: (position: EventPosition) => AsyncIterable<OperationEvent>,
  request: FastifyRequest,
  reply: FastifyReply,
  { log, ending }: StreamOptions,
): Promise<FastifyReply> {
  const out = reply.raw;
  const gone = new AbortController();
  out.once("close", () => gone.abort());
  const events = read({ afterId: lastEventId(request), signal: AbortSignal.any([gone.signal, ending]) });
  reply.hijack();
  out.writeHead(200, { ...versionHeaders, "content-type": "text/event-stream", "cache-control": "no-cache" });
  out.flushHeaders();
  const heartbeat = setInterval(() => out.write(":\n\n"), heartbeatMs);
  try {
    for await (const event of events) await send(out, event);
    out.end();
  } catch (error) {
    if (!gone.signal.aborted) log.warn({ err: error, url: request.url }, "a reader of events was cut off");
    out.destroy();
  } finally {
    clearInterval(heartbeat);
  }
  return reply;
}

async function send(out: ServerResponse, event: OperationEvent): Promise<void> {
  if (out.write(`id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`)) return;
  await once(out, "drain", { signal: AbortSignal.timeout(stallMs) });
}

function lastEventId(request: FastifyRequest): number {
  const text = request.headers["last-event-id"] ?? "0";
  if (typeof text === "string" && /^\d{1,15}$/.test(text)) return Number(text);
  throw new GodwitError("usage", `'${text}' is not the id of an event.`);
}
