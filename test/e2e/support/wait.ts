import { setTimeout as delay } from "node:timers/promises";

/** How many times as long as in a lab of namespaces things may take. */
export const patience = Number(process.env.GODWIT_TEST_PATIENCE ?? 1);

/** Polls until `look` finds something. Its last error, or the last thing it found wanting, is told if it never does. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined>,
  limitMs = 60_000 * patience,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  let problem: unknown;
  // A look costs the processor more than the wait does: the longer it has taken, the longer until the next one.
  for (let pauseMs = 150; ; pauseMs = Math.min(pauseMs * 1.4, 1000)) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    if (performance.now() > deadline) throw new Error(`It never came about: ${what}.`, { cause: problem });
    await delay(pauseMs);
  }
}
