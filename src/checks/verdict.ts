import { type ErrorCode, errorCatalogue, GodwitError } from "../contract/errors.ts";
import type { Verdict } from "../contract/facts.ts";

/** The same verdicts with the name of their host, for a report about more than one. */
export function on(host: string, verdicts: Verdict[]): Verdict[] {
  return verdicts.map((verdict) => ({
    ...verdict,
    message: `${host}: ${verdict.message}`,
    ...(verdict.remedy ? { remedy: `on ${host}: ${verdict.remedy}` } : {}),
  }));
}

/** What needs attention: `fail` first, then `warn`. */
export function obstaclesIn(verdicts: Verdict[]): Verdict[] {
  return [...verdicts.filter(({ level }) => level === "fail"), ...verdicts.filter(({ level }) => level === "warn")];
}

/**
 * The error that an action ends with, or undefined where nothing forbids it. The first failure gives code and hint, the
 * others are its details.
 * @param subject what was to be done, such as `looper cannot move to h2`
 */
export function firstFailure(verdicts: Verdict[], subject: string): GodwitError | undefined {
  const [first, ...others] = verdicts.filter(({ level }) => level === "fail");
  if (!first) return undefined;
  return new GodwitError(errorCode(first.code), `${subject}: ${first.message}.`, {
    hint: first.remedy,
    details: others.map(({ check, message, remedy }) => `${check}: ${message}${remedy ? ` (${remedy})` : ""}`),
  });
}

/** Codes come from the other host too; one that only a newer agent knows becomes the general one. */
function errorCode(code: string | undefined): ErrorCode {
  return code !== undefined && Object.hasOwn(errorCatalogue, code) ? (code as ErrorCode) : "preflight-failed";
}
