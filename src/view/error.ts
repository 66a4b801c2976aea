import type { ErrorReport } from "../contract/errors.ts";

/** The error of a command as lines for people. The details of a bug are its stack. */
export function errorLines(report: ErrorReport): string[] {
  const [message, ...rest] = reasonLines(report);
  return [`godwit: ${message}`, ...rest];
}

/** The same for an error that the command shows but did not fail with. */
export function reasonLines(report: ErrorReport): string[] {
  return [
    report.message,
    ...(report.hint ? [`  hint: ${report.hint}`] : []),
    ...(report.details ?? []).map((line) => `    ${line.trimEnd()}`),
  ];
}
