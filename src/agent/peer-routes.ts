import type { FastifyInstance } from "fastify";
import type { Services, ServicesContext } from "./services.ts";

/**
 * Routes that only other agents may call. `request.peer` is the name of the host that asks; a body of type
 * application/octet-stream arrives as a Readable in `request.body`.
 */
export function registerPeerRoutes(_app: FastifyInstance, _deps: ServicesContext & { services: Services }): void {}
