import { createServer } from "node:http";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { GodwitError } from "../contract/errors.ts";
import type { RouteTable } from "../contract/routes.ts";
import { apiPrefix, protocol, version } from "../contract/version.ts";
import { protocolHeader, versionHeader, versionHeaders } from "../transport/http.ts";
import { answerErrors } from "./error-answers.ts";
import type { StreamOptions } from "./event-stream.ts";
import { registerRoutes } from "./routes/register.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Name of the host that asks; empty on the unix socket. */
    peer: string;
  }
}

export interface AppOptions extends StreamOptions {
  /** Of this host. */
  name: string;
  routes: RouteTable;
  /** On the listener for other agents: which host asks. Left out on the unix socket. */
  identify?: (request: FastifyRequest) => string;
}

/** The routes of src/contract/routes.ts as an HTTP server that does not listen yet. */
export function createApp(options: AppOptions): FastifyInstance {
  const { name, routes, identify, log } = options;
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
  registerRoutes(app, routes, options);
  return app;
}

function checkProtocol(request: FastifyRequest): void {
  const theirs = request.headers[protocolHeader];
  if (theirs === String(protocol) || request.url === `${apiPrefix}/health`) return;
  throw new GodwitError(
    "incompatible-agent",
    `The agent that asks has version ${request.headers[versionHeader] ?? "unknown"}; this one has version ${version} and speaks protocol ${protocol}.`,
    { hint: "Run the same version of godwit on both hosts." },
  );
}
