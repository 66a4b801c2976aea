import { errorLines } from "../../view/error.ts";
import type { Output } from "../../view/output.ts";
import type { Reporter, Terminal } from "./reporter.ts";

/** For programs. A command that follows an operation prints a JSON line for each event and one for the result; others print one JSON document. */
export function jsonReporter({ out, err }: Terminal): Reporter {
  const line = (value: unknown) => out(`${JSON.stringify(value)}\n`);
  return {
    progress: () => {},
    notice: (text) => err(`${text}\n`),
    event: line,
    output: (output) => {
      if (output.view === "ended") line(output.data.result);
      else if (output.view !== "nothing") out(`${JSON.stringify(content(output), null, 2)}\n`);
    },
    error: (report) => {
      line({ error: report });
      err(`${errorLines(report).join("\n")}\n`);
    },
  };
}

const content = (output: Output) => (output.view === "done" ? output.data.data : output.data);
