import type { ErrorReport } from "../../contract/errors.ts";
import type { OperationEvent } from "../../contract/operations.ts";
import type { Output } from "../../view/output.ts";

/** Prints what commands return. Results go to stdout, errors and notices to stderr. */
export interface Reporter {
  /** A line about a step that takes a while. */
  progress(line: string): void;
  /** What the user should know although nothing failed. */
  notice(line: string): void;
  event(event: OperationEvent): void;
  output(output: Output): void;
  error(report: ErrorReport): void;
}

/** Where reporters write. */
export interface Terminal {
  out: (text: string) => void;
  err: (text: string) => void;
}
