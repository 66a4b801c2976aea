import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type file_entry, file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { editImage } from "./images.ts";

/**
 * A timerfd with an interval that has expired, and that nobody has read since, tells the kernel's reader of no time left; CRIU
 * would set it to that again, which means to stop it for good (4.2.1). Under the freeze every short interval expires. One
 * nanosecond left lets it expire again at once, and go on.
 */
export async function keepExpiredTimers(images: string): Promise<void> {
  const path = join(images, "files.img");
  const changed = letExpireAgain(await readFile(path));
  if (changed) await writeFile(path, changed);
}

/** @returns the image with such timers changed, or undefined where there are none */
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
