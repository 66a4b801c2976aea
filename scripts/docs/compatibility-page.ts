import { readFileSync } from "node:fs";
import { generated, table } from "./markdown.ts";
import { programsTable, toursFile } from "./programs-table.ts";

/** Where the end-to-end tests in test/e2e/programs record their results. */
export const resultsFile = "test/results/compatibility.json";

export interface Program {
  id: string;
  what: string;
  /** How it was tried; if the move is refused, what to do. */
  how: string;
  /** The path of the test file. */
  test: string;
}

/** A test's result: for each mode, how many moves in a row its client saw without a fault; or what refuses the move, and why. */
export type Result = Program &
  ({ moves: Record<string, number> } | { refused: { by: "preflight" | "dump"; because: string } });

export const readResults = (): Result[] =>
  JSON.parse(readFileSync(new URL(`../../${resultsFile}`, import.meta.url), "utf8"));

/** docs/compatibility.md: what was moved, how that was tried, and what cannot move and why. */
export function compatibilityPage(results = readResults()): string {
  const moved = results.flatMap((result) =>
    "moves" in result
      ? [
          [
            result.what,
            result.how,
            ...["postcopy", "cold", "precopy"].map((mode) => timesOf(result.moves[mode])),
            source(result),
          ],
        ]
      : [],
  );
  const refused = results.flatMap((result) =>
    "refused" in result
      ? [[result.what, result.how, foundBy[result.refused.by], result.refused.because, source(result)]]
      : [],
  );
  return `# What moves, and what does not

${generated(`the results of the tests in test/programs and test/e2e/programs, recorded in ${toursFile} and ${resultsFile},`)}

A test tried every line, in a lab of two hosts with Docker 28 and Docker 26. The programs come from Debian's packages.

## Programs

Each program was moved to the other host and back in every mode, while a client used it. The columns give the median downtime of the
two moves, or why the move was refused; the last one counts the client's requests that failed in all of them.

${programsTable()}
## Long journeys

What works was moved back and forth under load. The columns say how many moves in a row held in each mode. Some lines of pre-copy were
tried in emulated virtual machines, which are too slow for as much data as in the other modes.

${table(["what", "how it was tried", "post-copy", "cold", "pre-copy", "test"], moved)}
## Does not

godwit refused these moves. The container kept running where it was.

${table(["what", "what to do", "found by", "why not", "test"], refused)}`;
}

const timesOf = (moves: number | undefined) => (moves === undefined ? "not tried" : `${moves} moves`);
const foundBy = { preflight: "preflight", dump: "CRIU's dump" };
const source = ({ test }: Program) => `[${test.split("/").at(-1)}](../${test})`;
