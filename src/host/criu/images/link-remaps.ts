import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GodwitError } from "../../../contract/errors.ts";
import type { ContainerInspect } from "../../engine/inspect.ts";
import { file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { readImage } from "./images.ts";

/**
 * A file that is open under a name it has lost, while it has another one, CRIU gives a name of its own for the time of the dump.
 * In a tmpfs, which the images hold, that is enough. Of files that godwit copies the copy would lack the name, so that the
 * restore could only fail.
 * @throws dump-failed where the images in a folder need such a file
 */
export async function refuseLostNames(images: string, container: ContainerInspect): Promise<void> {
  const folders = foldersOfLostNames(await readFile(join(images, "files.img")));
  const folder = folders.find((each) => !inMemory(each, container));
  if (folder === undefined) return;
  throw new GodwitError(
    "dump-failed",
    `CRIU could not dump the container: a file in ${folder} is open under a name that was removed while the file has another one.`,
    { hint: "Have the program open it anew (a hard link was made, and the first name removed), or use a tmpfs there." },
  );
}

/** Where the names are that CRIU gave: files.img has them as paths in the container. */
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
