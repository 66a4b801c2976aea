import { setTimeout as delay } from "node:timers/promises";

/** The factor by which time limits are longer than in a lab of namespaces. */
export const patience = Number(process.env.GODWIT_TEST_PATIENCE ?? 1);

/** Polls until `look` finds something. @throws Error if it finds nothing in time; the cause is the last error of `look` */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined>,
  limitMs = 60_000 * patience,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  let problem: unknown;
  // A look takes more processor time than a wait, so the waits grow.
  for (let pauseMs = 150; ; pauseMs = Math.min(pauseMs * 1.4, 1000)) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    if (performance.now() > deadline) throw new Error(`This never happened: ${what}.`, { cause: problem });
    await delay(pauseMs);
  }
}
