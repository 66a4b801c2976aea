import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { dropHeldDumps } from "../criu/end-dumps.ts";
import { imagesFolder } from "../paths.ts";
import { run } from "../process.ts";

/** Room in memory for the images of one restore: a tmpfs of its own, which cannot grow beyond what was planned. */
export interface ImageSpace {
  images: string;
  work: string;
  /** For memory alone. */
  pages: string;
  release(): Promise<void>;
}

/** @throws no-space where the kernel does not give it */
export async function reserveImageSpace(id: string, bytes: number): Promise<ImageSpace> {
  const path = spacePath(id);
  await mkdir(path, { recursive: true, mode: 0o700 });
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${Math.ceil(bytes)},mode=0700,nosuid,nodev,noexec`, "godwit", path]);
  } catch (error) {
    throw new GodwitError("no-space", `There is no room for ${Math.ceil(bytes / 2 ** 20)} MiB of memory images.`, {
      cause: error,
    });
  }
  const images = join(path, "images");
  const work = join(path, "work");
  const pages = join(path, "pages");
  for (const folder of [images, work, pages]) await mkdir(folder, { mode: 0o700 });
  return { images, work, pages, release: () => releaseImageSpace(id) };
}

/** Where the work folder of a reserved space is. */
export function workFolderOf(id: string): string {
  return join(spacePath(id), "work");
}

/** Gives the room back. CRIU may have left mounts below it after a restore that failed; they go first. */
export async function releaseImageSpace(id: string): Promise<void> {
  const path = spacePath(id);
  if (!existsSync(path)) return;
  await dropHeldDumps(workFolderOf(id));
  await run("umount", ["--recursive", "--lazy", path], { accept: [1, 32] });
  await rm(path, { recursive: true, force: true });
}

/** Ids of the spaces that an agent before this one left behind. */
export async function imageSpaces(): Promise<string[]> {
  return readdir(imagesFolder).catch(() => []);
}

function spacePath(id: string): string {
  if (!/^[\w-]+$/.test(id)) throw new GodwitError("invalid-name", `'${id}' is not an id.`);
  return join(imagesFolder, id);
}
