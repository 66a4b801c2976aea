import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GodwitError } from "../../../contract/errors.ts";
import type { ContainerInspect } from "../../engine/inspect.ts";
import { file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { readImage } from "./images.ts";

/**
 * Refuses a dump that cannot be restored because of a removed file name. If an open file has lost the name it was opened by, but has
 * another one, CRIU links it under a temporary name during the dump. In a tmpfs that works, because the images hold its files. In
 * files that godwit copies, the copy lacks the temporary name and the restore would fail.
 * @param images folder of the dump
 * @throws dump-failed where the images need such a file
 */
export async function refuseLostNames(images: string, container: ContainerInspect): Promise<void> {
  const folders = foldersOfLostNames(await readFile(join(images, "files.img")));
  const folder = folders.find((each) => !inMemory(each, container));
  if (folder === undefined) return;
  throw new GodwitError(
    "dump-failed",
    `CRIU could not dump the container: a program has a file in ${folder} open by a removed name, and the file still has another name.`,
    { hint: "Let the program open the file again by its other name, or mount a tmpfs there." },
  );
}

/** The folders of CRIU's temporary names, as paths in the container. `image` is files.img. */
export function foldersOfLostNames(image: Buffer): string[] {
  return readImage(file_entrySchema, image)
    .flatMap(({ reg }) => (reg ? Buffer.from(reg.name).toString() : []))
    .filter((path) => /^link_remap\.\d+$/.test(basename(path)))
    .map(dirname);
}

function inMemory(folder: string, { HostConfig, Mounts }: ContainerInspect): boolean {
  const tmpfs = Object.keys((HostConfig.Tmpfs as Record<string, string> | null | undefined) ?? {});
  const mounted = (Mounts ?? []).filter(({ Type }) => Type === "tmpfs").map(({ Destination }) => Destination);
  return ["/dev/shm", ...tmpfs, ...mounted].some((place) => folder === place || folder.startsWith(`${place}/`));
}
