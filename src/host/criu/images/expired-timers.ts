import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type file_entry, file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { editImage } from "./images.ts";

/**
 * Keeps repeating timerfds running after a restore. For a timer that has expired and was not read since, the kernel reports a
 * remaining time of 0. CRIU (4.2.1) sets that time again, which stops the timer. Under the freeze every short interval expires. This
 * changes the remaining time to one nanosecond, so that the timer expires at once and goes on.
 * @param images folder of the dump; changes `files.img`
 */
export async function keepExpiredTimers(images: string): Promise<void> {
  const path = join(images, "files.img");
  const changed = letExpireAgain(await readFile(path));
  if (changed) await writeFile(path, changed);
}

/** @returns `files.img` with such timers changed, or undefined where it has none */
export function letExpireAgain(image: Buffer): Buffer | undefined {
  return editImage(file_entrySchema, image, mendTimer);
}

function mendTimer({ tfd: timer }: file_entry): boolean {
  if (!timer) return false;
  const hasExpired = timer.vsec === 0n && timer.vnsec === 0n && timer.ticks > 0n;
  const repeats = timer.isec > 0n || timer.insec > 0n;
  if (!hasExpired || !repeats) return false;
  timer.vnsec = 1n;
  return true;
}
