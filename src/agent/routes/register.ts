import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { OperationEvent } from "../../contract/operations.ts";
import { type Route, type RouteName, type RouteTable, routes } from "../../contract/routes.ts";
import { apiPrefix } from "../../contract/version.ts";
import { type StreamOptions, streamEvents } from "../event-stream.ts";

/**
 * Puts the routes on an HTTP server. Who may ask is decided before, by the hooks of the server: one for each way to reach the agent.
 * The schemas of the contract parse each request before its route sees it.
 */
export function registerRoutes(app: FastifyInstance, table: RouteTable, options: StreamOptions): void {
  for (const name of Object.keys(routes) as RouteName[]) {
    const { method, path } = routes[name];
    app.route({
      method,
      url: apiPrefix + path,
      handler: (request, reply) => answer(name, table, options, request, reply),
    });
  }
}

async function answer(
  name: RouteName,
  table: RouteTable,
  options: StreamOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const route: Route = routes[name];
  const input = parse(route, request);
  if (route.access === "change") options.log.info({ route: name, ...input, from: request.peer || "local" }, "asked");
  // RouteTable binds each input to the schemas of its route; the compiler does not follow that through a name that varies.
  const run = table[name] as (input: unknown) => unknown;
  if (route.kind !== "events") return reply.code(route.kind === "operation" ? 202 : 200).send(await run(input));
  const read = (position: object) => run({ ...input, ...position }) as AsyncIterable<OperationEvent>;
  return streamEvents(read, request, reply, options);
}

/** @throws ZodError */
function parse(route: Route, request: FastifyRequest) {
  return {
    params: route.params.parse(request.params),
    query: route.query.parse(request.query),
    body: route.body.parse(request.body ?? (route.method === "POST" ? emptyBody(route) : undefined)),
  };
}

// All fields of a body may have defaults: a POST without a body then means them.
const emptyBody = (route: Route) => (route.body.safeParse(undefined).success ? undefined : {});
