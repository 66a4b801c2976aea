import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { dropHeldDumps } from "../criu/dump/end-dumps.ts";
import { imagesFolder } from "../paths.ts";
import { ifGone } from "../proc/gone.ts";
import { type Mount, mountsOf } from "../proc/mountinfo.ts";
import { run } from "../proc/process.ts";

/** Room in memory for the images of one restore: a tmpfs of its own, which cannot grow beyond what was planned. */
export interface ImageSpace {
  images: string;
  work: string;
  /** For memory alone. */
  pages: string;
  /** Makes it as large as `bytes`, where it is smaller. @throws no-space */
  grow(bytes: number): Promise<void>;
  release(): Promise<void>;
}

/** @throws no-space where the kernel does not give it */
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

/** Where the work folder of a reserved space is. */
export function workFolderOf(id: string): string {
  return join(spacePath(id), "work");
}

/**
 * Gives the room back. A CRIU that was ended leaves this host's cgroups mounted below it: they are taken off first, and a mount that
 * is left all the same is not entered.
 */
export async function releaseImageSpace(id: string): Promise<void> {
  const path = spacePath(id);
  if (!existsSync(path)) return;
  await dropHeldDumps(workFolderOf(id));
  const mounts = mountsBelow(path, await mountsOf("self"));
  if (mounts.length > 0) await run("umount", ["--lazy", ...mounts], { accept: [1, 32] });
  await run("rm", ["-rf", "--one-file-system", "--", path]);
}

/** What is mounted at a path or below it; the deepest first. */
export function mountsBelow(path: string, mounts: Mount[]): string[] {
  const points = mounts.map(({ mountpoint }) => mountpoint);
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).toReversed();
}

const ofCheckpoint = "restore-";

/** Id of the space for the restore of a container from a checkpoint. It has a work folder alone, which is the space itself. */
export const checkpointSpaceOf = (container: string): string => `${ofCheckpoint}${container.slice(0, 12)}`;

/** Ids of the spaces that migrations have on this host, those of an agent before this one among them. */
export async function imageSpaces(): Promise<string[]> {
  return migrationsAmong(await readdir(imagesFolder).catch(ifGone<string[]>([])));
}

/** Whoever sweeps the spaces of migrations must not touch one that a container from a checkpoint still gets memory by. */
export function migrationsAmong(spaces: string[]): string[] {
  return spaces.filter((id) => !id.startsWith(ofCheckpoint));
}

function spacePath(id: string): string {
  if (!/^[\w-]+$/.test(id)) throw new GodwitError("invalid-name", `'${id}' is not an id.`);
  return join(imagesFolder, id);
}
