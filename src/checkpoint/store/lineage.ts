import * as z from "zod";

/**
 * The ids that one container has had: a move, a restore and a rollback give it a new id. Each group has the ids of one container.
 */
export const lineage = z.array(z.array(z.string()));
export type Lineage = z.infer<typeof lineage>;

/** The groups, with the two ids in the same group. */
export function joined(groups: Lineage, one: string, other: string): Lineage {
  const touched = groups.filter((ids) => ids.includes(one) || ids.includes(other));
  const rest = groups.filter((ids) => !touched.includes(ids));
  return [...rest, [...new Set([...touched.flat(), one, other])]];
}

export function isSame(groups: Lineage, one: string, other: string): boolean {
  return one === other || groups.some((ids) => ids.includes(one) && ids.includes(other));
}
