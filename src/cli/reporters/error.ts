import type { ErrorReport } from "../../contract/errors.ts";

/** An error as lines for people. A bug's details are its stack. */
export function errorLines(report: ErrorReport): string[] {
  return [
    `godwit: ${report.message}`,
    ...(report.hint ? [`  hint: ${report.hint}`] : []),
    ...(report.details ?? []).map((line) => `    ${line.trimEnd()}`),
  ];
}
