import { constants } from "node:os";

/** The name of an error of the system, such as ENOSPC. */
export const errorName = (number: number | null): string | undefined =>
  Object.entries(constants.errno).find(([, each]) => each === number)?.[0];

/** An error with the system's code. `what` could not be done. */
export function systemError(number: number, what: string): NodeJS.ErrnoException {
  const code = errorName(number) ?? "UNKNOWN";
  return Object.assign(new Error(`${code}: ${what}`), { code, errno: -number });
}
