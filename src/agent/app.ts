import { createServer } from "node:http";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { GodwitError } from "../contract/errors.ts";
import { type Route, type RouteName, routes } from "../contract/routes.ts";
import { apiPrefix, protocol, version } from "../contract/version.ts";
import type { Operations } from "../operations/operations.ts";
import { protocolHeader, versionHeader, versionHeaders } from "../transport/http.ts";
import { answerErrors } from "./error-answers.ts";
import type { Handlers } from "./handlers.ts";
import type { Log } from "./services.ts";
import { streamEvents } from "./sse.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Name of the host that asks; empty on the unix socket. */
    peer: string;
  }
}

export interface AppOptions {
  name: string;
  handlers: Handlers;
  operations: Operations;
  log: Log;
  /** Aborts when the agent ends: event streams then end as well. */
  ending: AbortSignal;
  /** On the listener for other agents: which host asks. Left out on the unix socket. */
  identify?: (request: FastifyRequest) => string;
}

/** The routes of src/contract/routes.ts as an HTTP server that does not listen yet. */
export function createApp(options: AppOptions): FastifyInstance {
  const { name, identify, log } = options;
  const self = `${apiPrefix}/on/${name}/`;
  const app = fastify({
    serverFactory: (handler) => createServer({ noDelay: true, keepAliveTimeout: 600_000, requestTimeout: 0 }, handler),
    routerOptions: { maxParamLength: 300 },
    rewriteUrl: ({ url = "/" }) => (!identify && url.startsWith(self) ? `${apiPrefix}/${url.slice(self.length)}` : url),
  });
  app.decorateRequest("peer", "");
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(versionHeaders);
    if (!identify) return;
    request.peer = identify(request);
    checkProtocol(request);
  });
  app.addContentTypeParser("application/octet-stream", (_request, payload, done) => done(null, payload));
  answerErrors(app, log);
  for (const route of Object.keys(routes) as RouteName[]) register(app, route, options);
  return app;
}

function register(app: FastifyInstance, name: RouteName, { handlers, operations, log, ending }: AppOptions): void {
  const route: Route = routes[name];
  app.route({
    method: route.method,
    url: apiPrefix + route.path,
    handler: async (request, reply) => {
      const input = {
        params: route.params.parse(request.params),
        query: route.query.parse(request.query),
        body: route.body.parse(
          request.body ?? (route.method === "POST" && route.kind !== "events" ? emptyBody(route) : undefined),
        ),
      };
      if (name === "events" || name === "operationEvents") {
        const { id } = request.params as { id?: string };
        return streamEvents(operations, id, request, reply, ending);
      }
      if (route.access === "change") log.info({ route: name, ...input, from: request.peer || "local" }, "asked");
      // The table gives each handler the type of what its own schemas parsed.
      const handler = handlers[name] as (input: unknown) => Promise<unknown>;
      return answer(reply, route, await handler(input));
    },
  });
}

const answer = (reply: FastifyReply, route: Route, value: unknown) =>
  reply.code(route.kind === "operation" ? 202 : 200).send(value);

// All fields of a body may have defaults: a POST without a body then means them.
const emptyBody = (route: Route) => (route.body.safeParse(undefined).success ? undefined : {});

function checkProtocol(request: FastifyRequest): void {
  const theirs = request.headers[protocolHeader];
  if (theirs === String(protocol) || request.url === `${apiPrefix}/health`) return;
  throw new GodwitError(
    "incompatible-agent",
    `The agent that asks has version ${request.headers[versionHeader] ?? "unknown"}; this one has version ${version} and speaks protocol ${protocol}.`,
    { hint: "Run the same version of godwit on both hosts." },
  );
}
