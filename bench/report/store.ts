import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Results } from "./merge.ts";
import { plot } from "./plot.ts";
import { markdown } from "./table.ts";

const folder = join(import.meta.dirname, "../results");

export function readResults(): Results {
  const read = <T>(name: string, otherwise: T): T =>
    existsSync(join(folder, name)) ? JSON.parse(readFileSync(join(folder, name), "utf8")) : otherwise;
  return { rows: read("latest.json", []), details: read("steps.json", { machine: {}, labs: {}, cases: {} }) };
}

/** Writes the results, and the table and the plot that are made from them. */
export function writeResults({ rows, details }: Results): void {
  mkdirSync(folder, { recursive: true });
  // One line for each row: a diff then shows which runs changed.
  const lines = rows.map((row) => `  ${JSON.stringify(row)}`);
  writeFileSync(join(folder, "latest.json"), `[\n${lines.join(",\n")}\n]\n`);
  writeFileSync(join(folder, "steps.json"), `${JSON.stringify(details, null, 1)}\n`);
  writeFileSync(join(folder, "latest.md"), markdown(rows, details));
  writeFileSync(join(folder, "latest.svg"), plot(rows));
}
