import type { Row } from "./rows.ts";
import { spreadOf } from "./statistics.ts";

/** Something that must be reached, and whether it is. */
export interface Target {
  what: string;
  limit: string;
  value: string;
  met: boolean;
}

/** What of a row is compared; null where the run did not measure it. */
export type Value = (row: Row) => number | null | undefined;

const digits: Record<string, number> = { s: 1, ms: 0, MiB: 0, MB: 0, "%": 0 };

/** Medians of the rows, and the targets that were compared with them. A target whose cases have no rows is left out. */
export class Figures {
  readonly rows: readonly Row[];
  readonly targets: Target[] = [];

  constructor(rows: readonly Row[]) {
    this.rows = rows;
  }

  of(name: string): Row[] {
    return this.rows.filter((row) => row.case === name);
  }

  median(name: string, value: Value): number | undefined {
    return spreadOf(this.of(name).map((row) => value(row) ?? null))?.median;
  }

  downtime(name: string): number | undefined {
    return this.median(name, (row) => row.downtimeMs);
  }

  floor(name: string): number | undefined {
    return this.median(name, (row) => row.floorMs);
  }

  memoryBytes(name: string): number | undefined {
    return this.median(name, (row) => row.memoryMiB * 2 ** 20);
  }

  ratio(what: string, limit: number, part: number | undefined, whole: number | undefined): void {
    if (part === undefined || whole === undefined) return;
    const value = part / whole;
    const text = (number: number) => number.toFixed(limit < 0.1 ? 4 : 2);
    this.add(what, `≤ ${text(limit)}`, text(value), value <= limit);
  }

  atMost(what: string, limit: number, unit: string, value: number | undefined): void {
    if (value === undefined) return;
    this.add(what, `≤ ${limit} ${unit}`, `${value.toFixed(digits[unit] ?? 0)} ${unit}`, value <= limit);
  }

  /** That each run of a case ended in a mode. */
  ends(what: string, name: string, mode: string): void {
    const ended = this.of(name).filter(({ endMode }) => endMode);
    if (ended.length === 0) return;
    const right = ended.filter(({ endMode }) => endMode === mode).length;
    this.add(what, "all runs", `${right} of ${ended.length}`, right === ended.length);
  }

  private add(what: string, limit: string, value: string, met: boolean): void {
    this.targets.push({ what, limit, value, met });
  }
}

/** What is left of `from` without `less`; undefined if one of them is not known. */
export const difference = (from: number | undefined, less: number | undefined): number | undefined =>
  from === undefined || less === undefined ? undefined : from - less;

/** The sum of two values; null if one of them was not measured. */
export const sumOf =
  (one: Value, other: Value): Value =>
  (row) => {
    const [a, b] = [one(row) ?? null, other(row) ?? null];
    return a === null || b === null ? null : a + b;
  };
