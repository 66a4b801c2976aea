import type { Case } from "../cases.ts";
import { type BenchLab, toolFolder } from "./bench-lab.ts";
import { prepareServer } from "./postgres.ts";
import { floorArguments } from "./ticker.ts";

export interface Floor {
  ms: number;
  parts: { name: string; ms: number }[];
}

/** Measures the floor of a case's container on h1: see programs/floor.sh. */
export async function measureFloor(lab: BenchLab, measured: Case): Promise<Floor> {
  if (measured.isPostgres) await prepareServer(lab, measured);
  const printed = await lab.on("h1", `sh ${toolFolder}/floor.sh ${floorArguments(measured)}`);
  const parts = printed.split("\n").map((line) => {
    const [name = "", ms] = line.split(" ");
    return { name, ms: Number(ms) };
  });
  const part = (name: string) => {
    const found = parts.find((each) => each.name === name)?.ms;
    if (!found) throw new Error(`The output of floor.sh has no '${name}': ${printed}`);
    return found;
  };
  return { ms: part("checkpoint") + part("restore"), parts };
}

/**
 * The floors of this run of the bench. Cases with the same lab and the same container share them: the first run of each case uses
 * the first floor, and so on.
 */
export class Floors {
  readonly #known = new Map<string, Floor[]>();

  /** The floor for the run `index` of a case, counted from 0. Measures it if it is not known yet. */
  async nth(lab: BenchLab, measured: Case, index: number): Promise<Floor> {
    const shape = `${lab.kind} ${floorArguments(measured)}`;
    const list = this.#known.get(shape) ?? [];
    if (list.length === 0) await measureFloor(lab, measured); // Warms up the hosts, and does not count.
    this.#known.set(shape, list);
    while (list.length <= index) list.push(await measureFloor(lab, measured));
    return list[index] ?? measureFloor(lab, measured);
  }
}
