import type { IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import type * as z from "zod";
import { GodwitError } from "../contract/errors.ts";
import { type OperationEvent, operationEvent } from "../contract/operations.ts";
import { type RouteInput, type RouteName, type RouteReply, routes } from "../contract/routes.ts";
import { apiPrefix } from "../contract/version.ts";
import { type Exchange, exchange, readJson } from "./http.ts";

/** How a client reaches an agent: a unix socket, or a Peer's `request`. */
export type Send = (exchange: Exchange) => Promise<IncomingMessage>;

/** The agent behind a unix socket. @throws GodwitError agent-unreachable, or not-root */
export function unixSocket(path: string, hint?: string): Send {
  return (wanted) =>
    exchange({ socketPath: path, agent: false }, wanted).catch((error) =>
      Promise.reject(wanted.signal?.aborted ? error : socketError(path, hint, error)),
    );
}

/** The routes of an agent as functions, typed by the table in src/contract/routes.ts. */
export class Client {
  readonly #send: Send;
  readonly #prefix: string;

  /** With a host, the agent behind `send` forwards every call to that host's agent. */
  constructor(send: Send, host?: string) {
    this.#send = send;
    this.#prefix = host === undefined ? apiPrefix : `${apiPrefix}/on/${encodeURIComponent(host)}`;
  }

  /** @throws GodwitError what the agent answered, or that it does not answer */
  async call<N extends RouteName>(name: N, input: RouteInput<N>, signal?: AbortSignal): Promise<RouteReply<N>> {
    const route = routes[name];
    const response = await this.#send({
      method: route.method,
      path: this.#prefix + fill(route.path, input.params) + search(input.query),
      body: input.body,
      signal,
    });
    const reply: z.ZodType = route.reply;
    return reply.parse(await readJson(response)) as RouteReply<N>;
  }

  /**
   * Events after `afterId`, then live ones. Ends with the operation, the signal, or the connection: a caller that wants
   * more calls again with the last id it saw.
   */
  async *events(from: {
    operationId?: string;
    afterId: number;
    signal?: AbortSignal;
  }): AsyncGenerator<OperationEvent, void> {
    const { operationId } = from;
    const path =
      operationId === undefined ? routes.events.path : fill(routes.operationEvents.path, { id: operationId });
    const response = await this.#send({
      method: "GET",
      path: this.#prefix + path,
      headers: { accept: "text/event-stream", "last-event-id": String(from.afterId) },
      signal: from.signal,
    });
    if (response.statusCode !== 200) await readJson(response);
    const data: string[] = [];
    const parser = createParser({ onEvent: (message) => data.push(message.data) });
    for await (const chunk of response.setEncoding("utf8")) {
      parser.feed(String(chunk));
      for (const text of data.splice(0)) yield operationEvent.parse(JSON.parse(text));
    }
  }
}

function fill(path: string, params: object | undefined): string {
  const values = new Map(Object.entries(params ?? {}));
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(values.get(name) ?? "")));
}

function search(query: object | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)]))}`;
}

function socketError(path: string, hint: string | undefined, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EACCES" || code === "EPERM") {
    return new GodwitError("not-root", `The agent's socket ${path} may not be used by this user.`, {
      hint: "Run the command as root, or become a member of the group godwit.",
    });
  }
  if (error instanceof GodwitError || code === undefined) return error;
  return new GodwitError("agent-unreachable", `No agent answers on ${path}.`, {
    hint: hint ?? "Start it with 'systemctl start godwit-agent' or 'godwit agent'.",
  });
}
