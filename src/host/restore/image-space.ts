import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { dropHeldDumps } from "../criu/dump/end-dumps.ts";
import { imagesFolder } from "../paths.ts";
import { ifGone } from "../proc/gone.ts";
import { type Mount, mountsOf } from "../proc/mountinfo.ts";
import { run } from "../proc/process.ts";

/** Space in memory for the images of one restore. It is a separate tmpfs, which cannot grow beyond its reserved size. */
export interface ImageSpace {
  images: string;
  work: string;
  /** Folder for the memory pages. */
  pages: string;
  /** Enlarges the space to `bytes`. Does nothing where it is as large already. @throws no-space */
  grow(bytes: number): Promise<void>;
  release(): Promise<void>;
}

/** Mounts a space of `bytes` with empty folders. @throws no-space where the kernel does not give it */
export async function reserveImageSpace(id: string, bytes: number): Promise<ImageSpace> {
  const path = spacePath(id);
  await mkdir(path, { recursive: true, mode: 0o700 });
  await mountSpace(path, bytes, "mode=0700,nosuid,nodev,noexec");
  const images = join(path, "images");
  const work = join(path, "work");
  const pages = join(path, "pages");
  for (const folder of [images, work, pages]) await mkdir(folder, { mode: 0o700 });
  let size = bytes;
  return {
    images,
    work,
    pages,
    async grow(bytes) {
      if (bytes > size) await mountSpace(path, bytes, "remount");
      size = Math.max(size, bytes);
    },
    release: () => releaseImageSpace(id),
  };
}

async function mountSpace(path: string, bytes: number, options: string): Promise<void> {
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${Math.ceil(bytes)},${options}`, "godwit", path]);
  } catch (error) {
    throw new GodwitError("no-space", `There is no room for ${Math.ceil(bytes / 2 ** 20)} MiB of memory images.`, {
      cause: error,
    });
  }
}

/** The path of the work folder of a space. */
export function workFolderOf(id: string): string {
  return join(spacePath(id), "work");
}

/**
 * Unmounts and removes a space. A killed CRIU leaves this host's cgroups mounted below it. They are unmounted first, and the removal
 * does not enter a mount that is still left. Harmless where there is no such space.
 */
export async function releaseImageSpace(id: string): Promise<void> {
  const path = spacePath(id);
  if (!existsSync(path)) return;
  await dropHeldDumps(workFolderOf(id));
  const mounts = mountsBelow(path, await mountsOf("self"));
  if (mounts.length > 0) await run("umount", ["--lazy", ...mounts], { accept: [1, 32] });
  await run("rm", ["-rf", "--one-file-system", "--", path]);
}

/** The mount points at a path or below it, the deepest first. */
export function mountsBelow(path: string, mounts: Mount[]): string[] {
  const points = mounts.map(({ mountpoint }) => mountpoint);
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).toReversed();
}

const ofCheckpoint = "restore-";

/** Id of the space for the restore of a container from a checkpoint. That space has no folders in it: it is a work folder itself. */
export const checkpointSpaceOf = (container: string): string => `${ofCheckpoint}${container.slice(0, 12)}`;

const ofMemory = "checkpoint-";

/** Id of the space for the memory of a container of which an operation takes a checkpoint. */
export const memorySpaceOf = (operation: string): string => `${ofMemory}${operation}`;

/** Ids of the spaces of migrations on this host, also those that an earlier agent made. */
export async function imageSpaces(): Promise<string[]> {
  return migrationsAmong(await readdir(imagesFolder).catch(ifGone<string[]>([])));
}

/** The ids among `spaces` that are of migrations. The others must stay: a container from a checkpoint may still get memory by its space. */
export function migrationsAmong(spaces: string[]): string[] {
  return spaces.filter((id) => ![ofCheckpoint, ofMemory].some((prefix) => id.startsWith(prefix)));
}

function spacePath(id: string): string {
  if (!/^[\w-]+$/.test(id)) throw new GodwitError("invalid-name", `'${id}' is not an id.`);
  return join(imagesFolder, id);
}
