import * as z from "zod";
import type { Journal } from "../../../journal/journal.ts";

const kind = "switchover-cost";
const kept = 10;
/** Before this host has made any switchover. */
const unknownMs = 250;
const costs = z.array(z.number());

/** What a switchover of this host takes beside the sending of memory and of files, in ms: the median of the last ones. */
export function switchoverCost(journal: Pick<Journal, "getRecord">): number {
  const sorted = read(journal).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? unknownMs;
}

/** Learns from a switchover that has ended well. Both in ms. */
export function learnSwitchover(
  journal: Pick<Journal, "getRecord" | "putRecord">,
  { downtimeMs, sendingMs }: { downtimeMs: number; sendingMs: number },
): void {
  journal.putRecord(kind, kind, [...read(journal), Math.round(Math.max(0, downtimeMs - sendingMs))].slice(-kept));
}

function read(journal: Pick<Journal, "getRecord">): number[] {
  return costs.safeParse(journal.getRecord(kind, kind)).data ?? [];
}
