import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bothOf } from "../../proc/both.ts";
import { core_entrySchema } from "../proto/generated/core_pb.ts";
import { type file_entry, file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { editImage } from "./images.ts";
import { savedLines } from "./process-state.ts";

/**
 * Mends two kinds of timers that a restore would lose or refuse.
 * @param images folder of the dump, with the state that godwit-state has saved; changes `files.img` and `core-*.img`
 */
export async function mendTimers(images: string): Promise<void> {
  const onMain = Map.groupBy(await savedLines(images, "timer"), ([pid]) => pid ?? 0);
  const cores = [...onMain].map(([pid, timers]) => {
    const ids = new Set(timers.map(([, id]) => id));
    return edit(join(images, `core-${pid}.img`), (image) => aimAtMainThread(image, pid, ids));
  });
  await bothOf(edit(join(images, "files.img"), letExpireAgain), Promise.all(cores));
}

async function edit(path: string, change: (image: Buffer) => Buffer | undefined): Promise<void> {
  const changed = change(await readFile(path));
  if (changed) await writeFile(path, changed);
}

/**
 * Keeps repeating timerfds running. For a timer that has expired and was not read since, the kernel reports a remaining time of 0.
 * CRIU (4.2.1) sets that time again, which stops the timer. Under the freeze every short interval expires. This changes the remaining
 * time to one nanosecond, so that the timer expires at once and goes on.
 * @returns `files.img` with such timers changed, or undefined where it has none
 */
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

/**
 * Names the thread of timers (timer_create) that signal the main thread of their process. CRIU (4.2.1) looks for its number before it
 * knows it, and writes whatever was in its memory. Its restore fails then: "Can't create posix timer".
 * @param pid process id within the container, which is also the number of the main thread
 * @param ids numbers of these timers
 * @returns `core-PID.img` with these timers changed, or undefined where it has none
 */
export function aimAtMainThread(image: Buffer, pid: number, ids: ReadonlySet<number | undefined>): Buffer | undefined {
  return editImage(core_entrySchema, image, ({ tc }) => {
    const timers = (tc?.timers?.posix ?? []).filter(({ itId }) => ids.has(itId));
    for (const timer of timers) timer.notifyThreadId = pid;
    return timers.length > 0;
  });
}
