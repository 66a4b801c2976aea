export interface CountedLog {
  numbers: number[];
  /** What is wrong with the log of a container that counts from 0; undefined if nothing is. */
  problem: string | undefined;
  /** `ms` is the longest time between two lines, `before` the number after it, and `usualMs` the median of these times. */
  pause: { ms: number; before: number; usualMs: number };
}

/** Reads the log of a container that counts from 0, a number a line, as `docker logs --timestamps` prints it. */
export function readCountedLog(text: string): CountedLog {
  const lines = text.split("\n").filter((line) => line !== "");
  const numbers: number[] = [];
  const times: number[] = [];
  for (const line of lines) {
    const [time = "", word = ""] = line.split(" ");
    numbers.push(/^\d+$/.test(word) ? Number(word) : Number.NaN);
    times.push(Date.parse(time));
  }
  const wrong = numbers.findIndex((number, i) => number !== i);
  const problem =
    lines.length === 0
      ? "the log is empty."
      : wrong >= 0
        ? `line ${wrong + 1} of the log is '${lines[wrong]}', and not the number ${wrong}.`
        : undefined;
  const waits = times.slice(1).map((time, i) => time - (times[i] ?? time));
  const longest = Math.max(0, ...waits);
  const usualMs = waits.toSorted((a, b) => a - b)[waits.length >> 1] ?? 0;
  return { numbers, problem, pause: { ms: longest, before: waits.indexOf(longest) + 1, usualMs } };
}
