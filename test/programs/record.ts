import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Tour, toursFile } from "../../scripts/docs/programs-table.ts";
import { checkout } from "../e2e/support/godwit.ts";
import type { Program } from "./program.ts";
import type { Outcome } from "./zoo.ts";

const found = new Map<string, Tour>();

/** A program has made its tour, and nothing was wrong. */
export function recordTour({ id, what, how }: Program, { moves, errors }: Outcome): void {
  found.set(id, { id, what, how, moves, errors });
}

/** Adds this run's results to those that are recorded; of what failed or was left out, nothing changes. */
export function writeTours(): void {
  const file = join(checkout, toursFile);
  const recorded: Tour[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  const all = new Map([...recorded.map((tour) => [tour.id, tour] as const), ...found]);
  const rows = [...all.values()].sort((one, other) => one.id.localeCompare(other.id, "en"));
  writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
}
