import type { ErrorCode } from "../contract/errors.ts";
import type { Verdict } from "../contract/facts.ts";

/** A verdict without the key of its check. */
export type Finding = Omit<Verdict, "check">;

export const ok = (message: string): Finding => ({ level: "ok", message });

export const warn = (message: string, remedy: string): Finding => ({ level: "warn", message, remedy });

/** @param code the error that an action ends with because of it */
export const fail = (code: ErrorCode, message: string, remedy: string): Finding => ({
  level: "fail",
  message,
  remedy,
  code,
});
