import { constants } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { task_kobj_ids_entrySchema } from "../proto/generated/core_pb.ts";
import { fdinfo_entrySchema, file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { editImage, readImage } from "./images.ts";
import { savedLines } from "./process-state.ts";

/**
 * Marks the eventfds that are semaphores (EFD_SEMAPHORE), which CRIU (4.2) does not tell apart: it would restore a counter, of which one
 * read takes all. The mark is O_DIRECT, which no eventfd can have; runtime/criu/eventfd.c makes a semaphore of what has it. Without that
 * library the restore fails.
 * @param images folder of the dump, with the state that godwit-state has saved; changes `files.img`
 */
export async function markSemaphores(images: string): Promise<void> {
  const found = await savedLines(images, "semaphore");
  const ids = new Set(await Promise.all(found.map(([pid, fd]) => fileOf(images, pid, fd))));
  if (ids.size === 0) return;
  const path = join(images, "files.img");
  const changed = editImage(file_entrySchema, await readFile(path), ({ id, efd }) => {
    if (!efd || !ids.has(id)) return false;
    efd.flags |= constants.O_DIRECT;
    return true;
  });
  if (changed) await writeFile(path, changed);
}

/** The id, in `files.img`, of what a process has open as `fd`. */
async function fileOf(images: string, pid?: number, fd?: number): Promise<number | undefined> {
  const [ids] = readImage(task_kobj_ids_entrySchema, await readFile(join(images, `ids-${pid}.img`)));
  const table = await readFile(join(images, `fdinfo-${ids?.filesId}.img`));
  return readImage(fdinfo_entrySchema, table).find((entry) => entry.fd === fd)?.id;
}
