import { pipeline } from "node:stream/promises";
import type { FastifyInstance } from "fastify";
import { checkName } from "../../contract/names.ts";
import { apiPrefix } from "../../contract/version.ts";
import type { Log } from "../../operations/log.ts";
import { versionHeaders } from "../../transport/http.ts";
import type { Method, Peer } from "../../transport/peer.ts";

const carried = ["content-type", "accept", "last-event-id"];

/** `/v1/on/HOST/...` on the unix socket: the agent of that host is asked for `/v1/...`; bodies go through unread. */
export function registerForwarding(app: FastifyInstance, peers: (host: string) => Peer, log: Log): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    scope.all<{ Params: { host: string; "*": string } }>(`${apiPrefix}/on/:host/*`, async (request, reply) => {
      const peer = peers(checkName("host", request.params.host));
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const path = request.url.slice(`${apiPrefix}/on/${request.params.host}`.length);
      const headers = Object.fromEntries(
        carried.flatMap((name) => {
          const value = request.headers[name];
          return typeof value === "string" ? [[name, value]] : [];
        }),
      );
      const response = await peer.request(request.method as Method, apiPrefix + path, {
        headers,
        body: request.body ?? undefined,
        signal: gone.signal,
      });
      reply.hijack();
      const type = response.headers["content-type"] ?? "application/json";
      reply.raw.writeHead(response.statusCode ?? 502, { ...versionHeaders, "content-type": type });
      reply.raw.flushHeaders();
      // A break on either side is one on the other: the caller sees a cut answer, never an early end.
      await pipeline(response, reply.raw).catch((error) => {
        log.info({ err: error, url: request.url }, "a forwarded answer ended early");
        reply.raw.destroy();
      });
      return reply;
    });
  });
}
