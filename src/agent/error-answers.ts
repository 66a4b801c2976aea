import type { FastifyInstance } from "fastify";
import { ZodError } from "zod";
import { errorCatalogue, errorReport, GodwitError } from "../contract/errors.ts";
import { issuesOf, refusedName } from "../contract/name-schemas.ts";
import type { Log } from "../operations/log.ts";

/** Answers whatever a route throws with the catalogue's status and an ErrorReport. */
export function answerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = understood(thrown);
    const report = errorReport(error);
    if (report.code === "internal") log.error({ err: thrown, url: request.url }, "a request failed");
    return reply.code(errorCatalogue[report.code].status).send({ error: report });
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new GodwitError("usage", `This agent has no '${request.method} ${request.url}'.`, {
      hint: "Run the same version of godwit on both hosts.",
    });
    return reply.code(404).send({ error: errorReport(error) });
  });
}

function understood(thrown: unknown): unknown {
  if (thrown instanceof GodwitError) return thrown;
  if (thrown instanceof ZodError) {
    const message = `The request is not of the documented form: ${issuesOf(thrown)}.`;
    return refusedName(thrown) ?? new GodwitError("usage", message, { cause: thrown });
  }
  // Fastify's own refusals: a body that is no JSON, a type that nobody reads.
  if (thrown instanceof Error && "statusCode" in thrown && Number(thrown.statusCode) < 500) {
    return new GodwitError("usage", `The request is not of the documented form: ${thrown.message}.`, { cause: thrown });
  }
  return thrown;
}
