import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clearField } from "@bufbuild/protobuf";
import { file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { reg_file_entrySchema } from "../proto/generated/regfile_pb.ts";
import { editImage } from "./images.ts";

/** Files that Docker writes for each container, as they are named in the container. */
const dockers = ["etc/hosts", "etc/hostname", "etc/resolv.conf"];

/**
 * Lets a restore open Docker's own files, whatever their size: another Docker, or another address, gives them other contents. CRIU refuses
 * a file that does not have the size it had.
 * @param images folder of the dump; changes `files.img`
 */
export async function acceptDockersFiles(images: string): Promise<void> {
  const path = join(images, "files.img");
  const image = await readFile(path);
  if (!dockers.some((name) => image.includes(name))) return;
  const changed = editImage(file_entrySchema, image, ({ reg }) => {
    if (
      !reg ||
      !dockers.includes(
        Buffer.from(reg.name)
          .toString()
          .replace(/^\.?\/+/, ""),
      )
    )
      return false;
    clearField(reg, reg_file_entrySchema.field.size);
    return true;
  });
  if (changed) await writeFile(path, changed);
}
