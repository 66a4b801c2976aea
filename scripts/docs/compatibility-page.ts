import { readFileSync } from "node:fs";
import { generated, table } from "./markdown.ts";

/** Where the end-to-end tests in test/e2e/programs record what held. */
export const resultsFile = "test/results/compatibility.json";

export interface Program {
  id: string;
  what: string;
  /** How it was tried, or what it takes. */
  how: string;
  /** The file that tries it. */
  test: string;
}

/** A test's result: in each mode so many moves in a row after which its client had seen nothing wrong; or why it does not move. */
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

${generated(`the results of the tests in test/e2e/programs, recorded in ${resultsFile},`)}

Every line was tried by a test, in a lab of two hosts with Docker 28 and Docker 26. What works was moved back and forth under load,
so many times in a row in each mode; the programs come from Debian's packages. Pre-copy needs a kernel that tracks changed memory:
it was tried in emulated virtual machines, which have one, and are too slow for as much data as the other modes were tried with. It
ends as a cold move does, with less memory left to send.

## Works

${table(["what", "how it was tried", "post-copy", "cold", "pre-copy", "test"], moved)}
## Does not

Nothing has happened to these: the container ran on where it was.

${table(["what", "what to do", "found by", "why not", "test"], refused)}`;
}

const timesOf = (moves: number | undefined) => (moves === undefined ? "not tried" : `${moves} moves`);
const foundBy = { preflight: "preflight", dump: "CRIU's dump" };
const source = ({ test }: Program) => `[${test.split("/").at(-1)}](../${test})`;
