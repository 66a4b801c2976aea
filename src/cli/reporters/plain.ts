import { errorLines } from "../../view/error.ts";
import { progressLines, transitionLine } from "../../view/transitions.ts";
import { viewLines } from "../../view/views.ts";
import type { Reporter, Terminal } from "./reporter.ts";

/** For pipes and logs: a line for every transition, and one line a second about the progress. No line is redrawn. */
export function plainReporter({ out, err }: Terminal): Reporter {
  const progress = progressLines();
  const lines = (all: string[]) => all.length > 0 && out(`${all.join("\n")}\n`);
  return {
    progress: (line) => out(`${line}\n`),
    notice: (line) => err(`${line}\n`),
    event: (event) => {
      const line = transitionLine(event) ?? progress(event);
      if (line !== undefined) out(`${line}\n`);
    },
    output: (output) => lines(viewLines(output, new Date())),
    error: (report) => err(`${errorLines(report).join("\n")}\n`),
  };
}
