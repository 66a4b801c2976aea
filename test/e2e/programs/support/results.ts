import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Program, type Result, resultsFile } from "../../../../scripts/docs/compatibility-page.ts";
import { isFullRun } from "../../support/full-run.ts";
import { checkout } from "../../support/godwit.ts";
import type { LabMode } from "./moves.ts";

const found = new Map<string, Result>();

/** The program was moved in these modes, one after another, and nothing was wrong. */
export function recordMoved(program: Program, modes: readonly LabMode[]): void {
  const before = found.get(program.id);
  const moves = before && "moves" in before ? { ...before.moves } : {};
  for (const mode of modes) moves[mode] = modes.filter((each) => each === mode).length;
  found.set(program.id, { ...program, moves: sorted(moves) });
}

/** It does not move, and was told why. */
export function recordRefused(program: Program, by: "preflight" | "dump", because: string): void {
  found.set(program.id, { ...program, refused: { by, because } });
}

/**
 * Adds this run's results to those that are recorded; of what failed or was left out, nothing changes. What was tried with another
 * program, or in another way, is no result of this one. Only a full run records anything.
 */
export function writeResults(): void {
  if (!isFullRun) return;
  const file = join(checkout, resultsFile);
  const recorded: Result[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  const all = new Map(recorded.map((result) => [result.id, result]));
  for (const [id, result] of found) {
    const before = all.get(id);
    const isSame = before?.what === result.what && before.how === result.how;
    const merged = isSame && "moves" in before && "moves" in result;
    all.set(id, merged ? { ...result, moves: sorted({ ...before.moves, ...result.moves }) } : result);
  }
  const rows = [...all.values()].sort((one, other) => one.id.localeCompare(other.id, "en"));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
}

const sorted = (moves: Record<string, number>) =>
  Object.fromEntries(Object.entries(moves).sort(([one], [other]) => one.localeCompare(other, "en")));
