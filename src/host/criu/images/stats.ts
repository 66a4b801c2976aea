import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CriuDumpStats, CriuRestoreStats } from "../../../contract/migration.ts";
import { type stats_entry, stats_entrySchema } from "../proto/generated/stats_pb.ts";
import { magicOf, readImage } from "./images.ts";

/** The magic of CRIU's service images, and of its statistics among them. */
const magic = [0x55105940, 0x57093306];
/** The least bytes of an image with a message: two words of magic, and the length of the message. */
const minBytes = 12;

/** CRIU's statistics of a dump that has ended, from its work folder. Null where they are missing or of no known form. */
export async function readDumpStats(work: string): Promise<CriuDumpStats | null> {
  return parseDumpStats(await readFile(join(work, "stats-dump")).catch(() => Buffer.alloc(0)));
}

/** CRIU's statistics of a restore that has ended, likewise. */
export async function readRestoreStats(work: string): Promise<CriuRestoreStats | null> {
  return parseRestoreStats(await readFile(join(work, "stats-restore")).catch(() => Buffer.alloc(0)));
}

/**
 * Converts CRIU's times from microseconds to ms. Null for a lazy dump, whose pages CRIU served after the resume: CRIU then counts no
 * scanned page, and its times are meaningless.
 */
export function parseDumpStats(image: Buffer): CriuDumpStats | null {
  const dump = statistics(image)?.dump;
  if (!dump || dump.pagesScanned === 0n) return null;
  return {
    freezingMs: ms(dump.freezingTime),
    frozenMs: ms(dump.frozenTime),
    memoryDumpMs: ms(dump.memdumpTime),
    memoryWriteMs: ms(dump.memwriteTime),
    pagesScanned: Number(dump.pagesScanned),
    pagesSkippedParent: Number(dump.pagesSkippedParent),
    pagesWritten: Number(dump.pagesWritten),
    pagesLazy: Number(dump.pagesLazy),
  };
}

export function parseRestoreStats(image: Buffer): CriuRestoreStats | null {
  const restore = statistics(image)?.restore;
  if (!restore) return null;
  return {
    forkingMs: ms(restore.forkingTime),
    restoreMs: ms(restore.restoreTime),
    pagesRestored: Number(restore.pagesRestored),
    pagesCompared: Number(restore.pagesCompared),
  };
}

/** A missing number reads as 0. */
function statistics(image: Buffer): stats_entry | undefined {
  if (image.length < minBytes || magicOf(image).some((word, i) => word !== magic[i])) return undefined;
  return readImage(stats_entrySchema, image)[0];
}

const ms = (microseconds: number) => microseconds / 1000;
