/** How long an answer is kept. A newly installed tool shows after this time. */
const keptMs = 60_000;

/**
 * Asks, and gives the same answer for `keptMs`. It is for what the programs of this host say about themselves: each move asks several
 * times, and each question starts a process. A question that fails is asked again the next time.
 */
export function kept<T>(ask: () => Promise<T>, now: () => number = () => performance.now()): () => Promise<T> {
  let known: { until: number; answer: Promise<T> } | undefined;
  return () => {
    if (known && known.until > now()) return known.answer;
    const asked = { until: now() + keptMs, answer: ask() };
    known = asked;
    asked.answer.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.answer;
  };
}
