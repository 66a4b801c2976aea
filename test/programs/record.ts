import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Tour, toursFile } from "../../scripts/docs/programs-table.ts";
import { checkout } from "../e2e/support/godwit.ts";
import type { Program } from "./program.ts";
import type { Outcome } from "./zoo.ts";

/** A program has made its tour, and nothing was wrong. It is recorded at once: a run can be ended before it has tried all of them. */
export function recordTour({ id, what, how }: Program, { moves, errors }: Outcome): void {
  const file = join(checkout, toursFile);
  const recorded: Tour[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  const others = recorded.filter((tour) => tour.id !== id);
  const rows = [...others, { id, what, how, moves, errors }].sort((one, other) => one.id.localeCompare(other.id, "en"));
  writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
}
