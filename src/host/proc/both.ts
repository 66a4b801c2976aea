/** Waits for both, also if one fails: the other one may still work on the same thing. @returns what the first one gave */
export async function bothOf<T>(one: Promise<T>, other: Promise<unknown>): Promise<T> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === "rejected") throw first.reason;
  if (second.status === "rejected") throw second.reason;
  return first.value;
}
