/** The values of several runs: median, least and greatest, and how many there are. */
export interface Spread {
  median: number;
  min: number;
  max: number;
  count: number;
}

/** Nulls do not count. undefined if no value is left. */
export function spreadOf(values: readonly (number | null)[]): Spread | undefined {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return undefined;
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? min;
  const high = sorted[Math.floor(middle)] ?? max;
  return { median: (low + high) / 2, min, max, count: sorted.length };
}
