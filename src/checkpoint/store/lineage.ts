import * as z from "zod";

/**
 * Which ids were one and the same container: a move, a restore and a rollback give it a new one. Each group has the ids of one
 * container.
 */
export const lineage = z.array(z.array(z.string()));
export type Lineage = z.infer<typeof lineage>;

/** The groups with two ids in one group. */
export function joined(groups: Lineage, one: string, other: string): Lineage {
  const touched = groups.filter((ids) => ids.includes(one) || ids.includes(other));
  const rest = groups.filter((ids) => !touched.includes(ids));
  return [...rest, [...new Set([...touched.flat(), one, other])]];
}

export function isSame(groups: Lineage, one: string, other: string): boolean {
  return one === other || groups.some((ids) => ids.includes(one) && ids.includes(other));
}
