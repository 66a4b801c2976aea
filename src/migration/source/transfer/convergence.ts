import type { NoConvergence } from "../../../contract/migration.ts";
import { bytes } from "../../../contract/units.ts";

/** Rounds that bring less than a quarter are not worth their bytes; one such round may be chance. */
const worthwhile = 0.75;
const patience = 2;
/** A safety limit: if each round leaves a quarter less, any memory needs fewer rounds. */
const maxRounds = 40;
/** If sending takes at most this share of the fixed part, post-copy is not shorter. */
const smallShare = 0.25;

export interface ConvergenceInput {
  /** Bytes of memory that were written to since each round, oldest first: what was left to send after it. At least one. */
  left: readonly number[];
  /** What the first round sent. */
  memoryBytes: number;
  /** Bytes per second that memory went at; null where too little went to tell. */
  bandwidth: number | null;
  /** What a switchover takes here beside sending what is left, in ms. */
  fixedMs: number;
  limitMs: number;
  switchRequested: boolean;
  onNoConvergence: NoConvergence;
}

export interface ConvergenceDecision {
  next: "round" | NoConvergence;
  /** One sentence. */
  because: string;
  /** Of a switchover now, in ms. */
  expectedDowntimeMs: number;
}

/** What follows a round of pre-copy: another one, or the switchover, or what the user wants where no round helps. */
export function decide(input: ConvergenceInput): ConvergenceDecision {
  const { left, fixedMs, limitMs } = input;
  const now = left.at(-1) ?? 0;
  const sendingMs = sendingTime(now, input.bandwidth);
  const expectedDowntimeMs = Math.round(fixedMs + sendingMs);
  const expected = `${bytes(now)} are left, a downtime of ${expectedDowntimeMs} ms is expected`;
  const as = (next: ConvergenceDecision["next"], because: string) => ({ next, because, expectedDowntimeMs });
  if (expectedDowntimeMs <= limitMs) return as("switchover", `${expected}, within the limit of ${limitMs} ms.`);
  if (input.switchRequested) return as("switchover", `The switchover was asked for; ${expected}.`);
  const little = sendingMs <= fixedMs * smallShare;
  const hopeless = little && fixedMs > limitMs;
  const helps = !hopeless && left.length < maxRounds && stalledRounds(left, input.memoryBytes) < patience;
  if (helps) return as("round", `${expected}.`);
  if (little && input.onNoConvergence === "postcopy") {
    return as("switchover", `${expected}, of which ${fixedMs} ms are the same in post-copy and after any round.`);
  }
  return as(input.onNoConvergence, `${expected}, above the limit of ${limitMs} ms; ${whyNot(input, hopeless)}.`);
}

function whyNot({ left, fixedMs }: ConvergenceInput, hopeless: boolean): string {
  if (hopeless) return `${fixedMs} ms of it are the same after any round`;
  return left.length < maxRounds ? "two rounds in a row brought less than a quarter" : `${maxRounds} rounds went`;
}

/** Nothing was measured where little went: that little takes no time worth counting. */
function sendingTime(left: number, bandwidth: number | null): number {
  return bandwidth ? (left / bandwidth) * 1000 : 0;
}

/** How many rounds, up to the last, left hardly less than the best before them. */
function stalledRounds(left: readonly number[], memoryBytes: number): number {
  let best = memoryBytes;
  let stalled = 0;
  for (const bytesLeft of left) {
    stalled = bytesLeft > best * worthwhile ? stalled + 1 : 0;
    best = Math.min(best, bytesLeft);
  }
  return stalled;
}
