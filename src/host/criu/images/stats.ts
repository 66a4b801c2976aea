import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CriuDumpStats, CriuRestoreStats } from "../../../contract/migration.ts";
import { fieldsOf, messagesIn } from "./images.ts";

/** The first words of CRIU's service images, and of its statistics among them. */
const magics = [0x55105940, 0x57093306];

/** What CRIU says of a dump that has ended, from its work folder; null where it says nothing that can be understood. */
export async function readDumpStats(work: string): Promise<CriuDumpStats | null> {
  return parseDumpStats(await readFile(join(work, "stats-dump")).catch(() => Buffer.alloc(0)));
}

/** The same of a restore. */
export async function readRestoreStats(work: string): Promise<CriuRestoreStats | null> {
  return parseRestoreStats(await readFile(join(work, "stats-restore")).catch(() => Buffer.alloc(0)));
}

/**
 * Field numbers are those of CRIU's stats.proto; its times are microseconds. Of a dump whose pages it served until after the
 * resume CRIU measures nothing: it scanned no page then, and its time is that of a clock that was never set.
 */
export function parseDumpStats(image: Buffer): CriuDumpStats | null {
  const field = statistics(image, 1);
  if (!field || field(5) === 0) return null;
  return {
    freezingMs: ms(field(1)),
    frozenMs: ms(field(2)),
    memoryDumpMs: ms(field(3)),
    memoryWriteMs: ms(field(4)),
    pagesScanned: field(5),
    pagesSkippedParent: field(6),
    pagesWritten: field(7),
    pagesLazy: field(9),
  };
}

export function parseRestoreStats(image: Buffer): CriuRestoreStats | null {
  const field = statistics(image, 2);
  if (!field) return null;
  return { forkingMs: ms(field(3)), restoreMs: ms(field(4)), pagesRestored: field(5), pagesCompared: field(1) };
}

/** The numbers in one of the two messages that an entry may hold; one that is missing is 0. */
function statistics(image: Buffer, entry: 1 | 2): ((field: number) => number) | undefined {
  if (image.length < 12 || magics.some((magic, i) => image.readUInt32LE(i * 4) !== magic)) return undefined;
  const [message] = messagesIn(image);
  const found = message && fieldsOf(message).message(entry);
  return found && ((field) => Number(found.number(field)));
}

const ms = (microseconds: number) => microseconds / 1000;
