import { readFileSync } from "node:fs";
import { expected, matches } from "../../test/fidelity/verdicts.ts";
import { generated, table } from "./markdown.ts";

/** Where test/e2e/fidelity/census.test.ts records its results in a full run. */
export const fidelityFile = "test/results/fidelity.json";

interface Outcome {
  properties: number;
  kept: string[];
  /** By name. */
  changed: Record<string, { before: string; after: string }>;
}

const ways: Record<string, string> = { auto: "a move (post-copy)", cold: "a cold move", rollback: "a rollback" };

const readOutcomes = (): Record<string, Outcome> =>
  JSON.parse(readFileSync(new URL(`../../${fidelityFile}`, import.meta.url), "utf8"));

/** docs/fidelity.md: what of a container's state is the same after a move, and what is not, and why. */
export function fidelityPage(outcomes = readOutcomes()): string {
  const counts = Object.entries(outcomes).map(([way, { properties, kept, changed }]) => [
    ways[way] ?? way,
    String(properties),
    String(kept.length),
    String(Object.keys(changed).length),
  ]);
  const all = Object.values(outcomes);
  const changed = new Map(all.flatMap((outcome) => Object.entries(outcome.changed)));
  const rows = expected.flatMap(({ names, how, why }) => {
    const found = [...changed].filter(([name]) => names.some((pattern) => matches(pattern, name)));
    if (found.length === 0) return [];
    const { before, after } = found[0]?.[1] ?? { before: "", after: "" };
    const example = how === "told" ? "a warning of the move" : "this page";
    return [[found.map(([name]) => `\`${name}\``).join(", "), `${shown(before)} → ${shown(after)}`, why, example]];
  });
  return `# What stays the same

${generated(`the results of test/e2e/fidelity, recorded in ${fidelityFile},`)}

A program gives every property that Linux lets a process have a value that is not the default: options of sockets, signals, timers,
limits, memory, descriptors, terminals, System V objects and more (\`test/fidelity/census\`). It reports all of them before and after. The
hosts had Docker 28, CRIU 4.2.1 and the same kernel. A property counts only where setting it had an effect.

${table(["what was done", "properties", "the same", "changed"], counts)}
## What changes

The first of the values is an example.

${table(["properties", "before → after", "why", "named by"], rows)}
## What stays

${byArea(all[0]?.kept ?? [])}`;
}

/** Of a value, as it fits into a table. */
const shown = (value: string) =>
  `\`${(value.length > 40 ? `${value.slice(0, 40)}…` : value || " ").replace(/[|`\n]/g, " ")}\``;

/** A line for each area, with the names of its properties. Whether a descriptor is ready (`poll`) and its flags are counted alone. */
function byArea(kept: string[]): string {
  const areas = new Map<string, string[]>();
  for (const name of kept) {
    const [area = "", ...rest] = name.split(".");
    areas.set(area, [...(areas.get(area) ?? []), rest.join(".")]);
  }
  const line = ([area, names]: [string, string[]]) =>
    ["poll", "flags", "helper"].includes(area)
      ? `- **${area}**: ${names.length}\n`
      : `- **${area}**: ${names.map((name) => `\`${name}\``).join(", ")}\n`;
  return [...areas].map(line).join("");
}
