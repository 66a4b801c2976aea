import type { ErrorReport } from "../contract/errors.ts";

/** An error as lines for people. A bug's details are its stack. */
export function errorLines(report: ErrorReport): string[] {
  const [message, ...rest] = reasonLines(report);
  return [`godwit: ${message}`, ...rest];
}

/** The same where it is not the command that failed. */
export function reasonLines(report: ErrorReport): string[] {
  return [
    report.message,
    ...(report.hint ? [`  hint: ${report.hint}`] : []),
    ...(report.details ?? []).map((line) => `    ${line.trimEnd()}`),
  ];
}
